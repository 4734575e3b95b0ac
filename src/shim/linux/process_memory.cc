#include "shim/linux/process_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace dockershimd::shim::linuxos {
namespace {

/// Of one loaded program or library. Only what nobody writes but a debugger, which loses its
/// breakpoints by this: the pages are the file's.
int ReleaseCode(dl_phdr_info* info, std::size_t /*size*/, void* /*unused*/) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || segment.p_flags != (PF_R | PF_X)) continue;
    const auto begin = (info->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const auto end = info->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    // The vDSO, which is no file, refuses.
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void ReleaseUnusedMemory() {
  ::malloc_trim(0);
  ::dl_iterate_phdr(&ReleaseCode, nullptr);
}

}  // namespace dockershimd::shim::linuxos
