#include <nlohmann/json.hpp>

#include "shim/translate/images.h"

namespace dockershimd::shim::translate {

std::string ImageInfo(const dockerapi::ImageDetails& image) {
  const nlohmann::json info = {{"id", image.id},
                               {"imageSpec",
                                {{"architecture", image.architecture},
                                 {"os", image.os},
                                 {"config",
                                  {{"User", image.user},
                                   {"Env", image.environment},
                                   {"Entrypoint", image.entrypoint},
                                   {"Cmd", image.command},
                                   {"WorkingDir", image.working_dir},
                                   {"Labels", image.labels},
                                   {"StopSignal", image.stop_signal}}}}}};
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace dockershimd::shim::translate
