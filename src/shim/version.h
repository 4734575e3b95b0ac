#pragma once

namespace dockershimd::shim {

/// The daemon's own version, from CMake's project().
inline constexpr const char* kVersion = DOCKERSHIMD_VERSION;

}  // namespace dockershimd::shim
