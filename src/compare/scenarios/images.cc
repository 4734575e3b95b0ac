// Images: looked up in each way, pulled, removed.
#include <algorithm>

#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

constexpr const char* kAbsent = "registry.invalid/cri-compare/absent:1";

cri::ImageStatusResponse StatusOf(Session& s, const std::string& image, bool verbose = false) {
  cri::ImageStatusRequest request;
  request.mutable_image()->set_image(image);
  request.set_verbose(verbose);
  return s.Ask("ImageStatus", &ImageApi::ImageStatus, request);
}

void Status(Session& s) {
  const auto answer = StatusOf(s, s.Config().image);
  s.Record("by name", answer);
  const auto& id = answer.image().id();
  s.Verify("is there", !id.empty());
  s.Verify("found by its id", StatusOf(s, id).image().id() == id, id);
  bool found = true;
  for (const auto& digest : answer.image().repo_digests()) {
    found = found && StatusOf(s, digest).image().id() == id;
  }
  s.Verify("found by its digests", found);
  s.Verify("verbose status has info", !StatusOf(s, s.Config().image, true).info().empty());
}

void Absent(Session& s) {
  s.Verify("an absent image is no error and has no image", !StatusOf(s, kAbsent).has_image());
  cri::RemoveImageRequest remove;
  remove.mutable_image()->set_image(kAbsent);
  s.ObserveCode("removal of an absent image", s.Try(&ImageApi::RemoveImage, remove));
  // Never without a name: containerd takes an empty one for the beginning of any image's id.
  cri::ImageStatusRequest status;
  status.mutable_image()->set_image("Not A Name");
  s.ObserveCode("status of what is no name", s.Try(&ImageApi::ImageStatus, status));
}

void Listed(Session& s) {
  cri::ListImagesRequest request;
  request.mutable_filter()->mutable_image()->set_image(s.Config().image);
  const auto answer = s.Ask("ListImages", &ImageApi::ListImages, request);
  s.Verify("the filter finds one image", answer.images_size() == 1,
           std::to_string(answer.images_size()));
  s.Record("filtered", answer);
  request.mutable_filter()->mutable_image()->set_image(kAbsent);
  const auto none = s.Ask("ListImages", &ImageApi::ListImages, request);
  s.Verify("the filter finds nothing", none.images_size() == 0);
}

/// One image has one name, whichever call is asked.
void Identity(Session& s) {
  const auto image = StatusOf(s, s.Config().image).image();
  const auto pod = s.RunPod(s.PodConfig("identity"));
  const auto container = s.Run(pod, s.Sleeper("main"));
  const auto status = s.Status(container).status();
  const auto& digests = image.repo_digests();
  s.Verify("image_id of the status is the image's id", status.image_id() == image.id(),
           status.image_id());
  const bool is_digest =
      std::find(digests.begin(), digests.end(), status.image_ref()) != digests.end();
  s.Observe("image_ref of the status is", status.image_ref() == image.id() ? "the image's id"
                                          : is_digest                      ? "a repo digest"
                                                                           : "something else");
  s.Verify("image_ref of the status leads to the image",
           StatusOf(s, status.image_ref()).image().id() == image.id(), status.image_ref());
}

void PullErrors(Session& s) {
  cri::PullImageRequest request;
  request.mutable_image()->set_image("127.0.0.1:1/cri-compare/absent:1");
  s.Verify("a registry that does not answer fails the pull",
           !s.Try(&ImageApi::PullImage, request).has_value());
  request.mutable_image()->set_image("Not A Name");
  s.Verify("what is no name fails the pull", !s.Try(&ImageApi::PullImage, request).has_value());
}

std::string Pull(Session& s) {
  cri::PullImageRequest request;
  request.mutable_image()->set_image(s.Config().removable_image);
  return s.Ask("PullImage", &ImageApi::PullImage, request).image_ref();
}

void PullAndRemove(Session& s) {
  const auto& name = s.Config().removable_image;
  if (name.empty()) return;
  if (StatusOf(s, name).has_image()) {
    s.Verify("--pull-image was not on the node before", false, name);
    return;
  }
  const auto reference = Pull(s);
  const auto pulled = StatusOf(s, name);
  const auto& id = pulled.image().id();
  s.Record("pulled", pulled);
  s.Observe("PullImage answers with", reference == id ? "the image's id" : reference);
  s.Verify("pulled again it is the same", Pull(s) == reference);
  cri::RemoveImageRequest remove;
  remove.mutable_image()->set_image(name);
  (void)s.Ask("RemoveImage", &ImageApi::RemoveImage, remove);
  s.Verify("removed by its name it is gone", !StatusOf(s, name).has_image());
  s.ObserveCode("removed once more", s.Try(&ImageApi::RemoveImage, remove));
  (void)Pull(s);
  remove.mutable_image()->set_image(id);
  (void)s.Ask("RemoveImage", &ImageApi::RemoveImage, remove);
  s.Verify("removed by its id it is gone", !StatusOf(s, name).has_image());
}

constexpr Scenario kScenarios[] = {
    {"images/status", "an image by name, id and digest", Status},
    {"images/absent", "questions about images that are not there", Absent},
    {"images/list", "ListImages with a filter", Listed},
    {"images/identity", "image, image_ref and image_id of containers", Identity},
    {"images/pull-errors", "pulls that fail", PullErrors},
    {"images/pull-and-remove", "pull and removal of --pull-image", PullAndRemove},
};

}  // namespace

std::span<const Scenario> ImageScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
