# dockershimd::grpc: gRPC without TLS (the CRI socket is a Unix socket) and protobuf. From Debian's
# archives, so that the daemon holds what it uses of them and nothing else: they and the 60 libraries
# below them take several MiB of memory otherwise. The sanitizers have to tell our code from theirs,
# and need the shared ones.

option(DOCKERSHIMD_STATIC_GRPC "Link gRPC and protobuf from their archives" ON)

pkg_check_modules(grpc_unsecure REQUIRED IMPORTED_TARGET grpc++_unsecure protobuf)
add_library(dockershimd_grpc INTERFACE)
add_library(dockershimd::grpc ALIAS dockershimd_grpc)

if(DOCKERSHIMD_STATIC_GRPC AND NOT DOCKERSHIMD_SANITIZE)
  # Debian's pkg-config file leaves the last ones out; the system's own libraries stay shared.
  set(names ${grpc_unsecure_STATIC_LIBRARIES} upb cares address_sorting)
  list(FILTER names INCLUDE REGEX "^(grpc|gpr|upb|absl|protobuf|cares|address_sorting)")
  list(REMOVE_DUPLICATES names)
  set(archives)
  foreach(name IN LISTS names)
    find_library(grpc_archive_${name} lib${name}.a REQUIRED)
    list(APPEND archives ${grpc_archive_${name}})
  endforeach()
  list(JOIN archives "," archives)
  target_link_libraries(dockershimd_grpc INTERFACE
    "$<LINK_GROUP:RESCAN,${archives}>" Threads::Threads ZLIB::ZLIB)
else()
  target_link_libraries(dockershimd_grpc INTERFACE PkgConfig::grpc_unsecure)
endif()
