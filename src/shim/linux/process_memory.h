#pragma once

namespace dockershimd::shim::linuxos {

/// Gives back to the kernel what this process does not need now: free memory that lies between what
/// is in use, where only a trim finds it, and the mappings of program code. Code that runs is
/// mapped again from the page cache by its next fault, in microseconds; what only the start needed
/// is not.
void ReleaseUnusedMemory();

}  // namespace dockershimd::shim::linuxos
