# What every target of ours shares: language level, warnings, sanitizers, compiler cache, linker.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # What one clone has compiled, another finds, wherever it lies.
  set(ccache_command ${CMAKE_COMMAND} -E env
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${ccache_command})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ccache_command})
endif()
find_program(MOLD_PROGRAM mold)

add_library(dockershimd_options INTERFACE)
target_compile_options(dockershimd_options INTERFACE -Wall -Wextra -Werror)
# Includes start at src/, so that a file's include path is its place in the tree.
target_include_directories(dockershimd_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
# Boost 1.74 does not recognise coroutines of newer compilers by itself.
target_compile_definitions(dockershimd_options INTERFACE
  BOOST_ASIO_HAS_CO_AWAIT=1 BOOST_ASIO_HAS_STD_COROUTINE=1 BOOST_ASIO_NO_DEPRECATED=1)
# What nobody calls is left out of the programs.
target_link_options(dockershimd_options INTERFACE -Wl,--gc-sections)
if(MOLD_PROGRAM)
  target_link_options(dockershimd_options INTERFACE -fuse-ld=mold)
endif()
if(DOCKERSHIMD_SANITIZE)
  target_compile_options(dockershimd_options INTERFACE
    -fsanitize=${DOCKERSHIMD_SANITIZE} -fno-omit-frame-pointer)
  if(DOCKERSHIMD_SANITIZE MATCHES "undefined")
    # The checks that it adds keep g++ 12 from seeing what is initialized; the other builds warn.
    target_compile_options(dockershimd_options INTERFACE
      -fno-sanitize-recover=undefined $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  endif()
  if(DOCKERSHIMD_SANITIZE MATCHES "thread")
    # Asio's fences, which the sanitizer does not see; all that they order is behind a mutex too.
    target_compile_options(dockershimd_options INTERFACE -Wno-tsan)
    # Protobuf's headers give their classes more members where this is defined, which Debian's
    # library does not have.
    target_compile_options(dockershimd_options INTERFACE -U__SANITIZE_THREAD__)
  endif()
  target_link_options(dockershimd_options INTERFACE -fsanitize=${DOCKERSHIMD_SANITIZE})
endif()

# dockershimd_library(NAME SOURCES... LINK libs...): one static library for one folder,
# also reachable as dockershimd::NAME.
function(dockershimd_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(dockershimd_${name} STATIC ${ARG_SOURCES})
  add_library(dockershimd::${name} ALIAS dockershimd_${name})
  target_link_libraries(dockershimd_${name}
    PUBLIC dockershimd_options ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
endfunction()

# dockershimd_test(NAME LABEL SOURCES... LINK libs...): one gtest program, one ctest entry.
function(dockershimd_test name label)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE dockershimd_options ${ARG_LINK} GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT 600)
  # All tests of a label, to be built without the rest: unit_tests, engine_tests.
  if(NOT TARGET ${label}_tests)
    add_custom_target(${label}_tests)
  endif()
  add_dependencies(${label}_tests ${name})
endfunction()
