# What `cmake --install` puts where, and the Debian package that `cpack` makes of it.

include(GNUInstallDirs)

if(TARGET cri-compare)
  set(compare_program cri-compare)
endif()
install(TARGETS dockershimd ${compare_program} RUNTIME DESTINATION bin)
install(FILES deploy/config.toml DESTINATION /etc/dockershimd)
install(FILES deploy/systemd/dockershimd.service deploy/systemd/dockershimd.socket
  DESTINATION /lib/systemd/system)
install(PROGRAMS
  deploy/node/adopt deploy/node/migrate-to-containerd deploy/node/rollback
  DESTINATION lib/dockershimd/node)
install(FILES deploy/node/lib.sh deploy/node/move.sh DESTINATION lib/dockershimd/node)
install(FILES README.md DESTINATION share/doc/dockershimd)
install(DIRECTORY docs/ DESTINATION share/doc/dockershimd/docs FILES_MATCHING PATTERN "*.md")
install(FILES deploy/deb/copyright DESTINATION share/doc/dockershimd)

# Debian wants these two compressed, the same for the same content.
string(TIMESTAMP DOCKERSHIMD_BUILD_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(deploy/deb/changelog.in package/changelog @ONLY)
function(install_compressed source name folder)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/package/${name}.gz)
  add_custom_command(OUTPUT ${out} COMMAND gzip -9nc ${source} > ${out} DEPENDS ${source})
  add_custom_target(package-${name} ALL DEPENDS ${out})
  install(FILES ${out} DESTINATION ${folder})
endfunction()
install_compressed(${CMAKE_CURRENT_BINARY_DIR}/package/changelog changelog share/doc/dockershimd)
file(GLOB man_pages CONFIGURE_DEPENDS deploy/man/*.8)
foreach(page ${man_pages})
  get_filename_component(name ${page} NAME)
  if(name STREQUAL "dockershimd.8" OR TARGET cri-compare)
    install_compressed(${page} ${name} share/man/man8)
  endif()
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME dockershimd)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_OUTPUT_FILE_PREFIX package)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "dockershimd maintainers <maintainers@dockershimd.invalid>")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS
  "docker.io (>= 20.10) | docker-ce, containernetworking-plugins, iptables")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "kubelet, kubeadm, cri-tools")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Kubernetes container runtime on Docker Engine")
set(CPACK_PACKAGE_DESCRIPTION
  "Serves the Container Runtime Interface (CRI v1) to a kubelet and does what is
asked of it with the Docker Engine on the same machine. Pods of cri-dockerd are
taken over as they run; upgrades of this package leave running pods alone.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_SOURCE_DIR}/deploy/deb/postinst ${CMAKE_CURRENT_SOURCE_DIR}/deploy/deb/prerm
  ${CMAKE_CURRENT_SOURCE_DIR}/deploy/deb/postrm ${CMAKE_CURRENT_SOURCE_DIR}/deploy/deb/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
