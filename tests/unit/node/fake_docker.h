#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/time.h"
#include "fake_engine.h"

namespace dockershimd::testsupport {

/// A container as the fake engine has it.
struct FakeContainer {
  std::string id;
  std::string sandbox_id;  ///< empty for a sandbox
  std::string status = "created";
  base::UnixNanos started_at = 0;
  base::UnixNanos finished_at = 0;
  std::string name = "k8s_c";
};

struct FakeImage {
  std::string id;
  std::vector<std::string> tags;
};

/// A Docker Engine that has containers, images and an event stream, all at a test's command. What a
/// test changes is told only where it says so: events can be missed.
class FakeDocker {
 public:
  FakeDocker();
  ~FakeDocker();

  [[nodiscard]] std::string Socket() const { return engine_.Socket(); }

  void Put(const FakeContainer& container) { (*containers_.Lock())[container.id] = container; }
  void Erase(const std::string& id) { containers_.Lock()->erase(id); }
  void PutImage(const FakeImage& image) { (*images_.Lock())[image.id] = image; }
  void EraseImage(const std::string& id) { images_.Lock()->erase(id); }

  /// Sends an event about a container of ours, or about an image.
  void Tell(const std::string& action, const std::string& id);
  void TellExecEnd(const std::string& id, const std::string& exec_id, int exit_code);
  void TellImage(const std::string& action, const std::string& id);
  /// Keeps whoever asks for /info waiting, as an engine with a stuck lock does.
  void HangInfo(bool hangs) { info_hangs_ = hangs; }
  /// Breaks all event streams.
  void CutEvents();
  [[nodiscard]] int Listeners() const { return events_.Lock()->listeners; }

  std::atomic<int> inspects = 0;
  std::atomic<int> lists = 0;
  std::atomic<int> image_inspects = 0;
  std::atomic<bool> inspect_fails = false;
  std::atomic<bool> images_fail = false;
  std::atomic<base::UnixNanos> clock_offset = 0;  ///< of the events' stamps from the wall clock
  /// Called before an inspect is answered, after what it will answer was looked up.
  std::function<void(const std::string& id)> before_answer;

 private:
  std::atomic<bool> info_hangs_ = false;
  struct Events {
    std::vector<std::string> all;
    int cut = 0;  ///< how often
    int listeners = 0;
    bool ending = false;
  };

  void Inspect(const std::string& id, EngineReply& reply);
  void List(EngineReply& reply);
  void ListImages(EngineReply& reply);
  void InspectImage(const std::string& id, EngineReply& reply);
  void StreamEvents(EngineReply& reply);
  void Emit(const std::string& line);

  base::Guarded<std::map<std::string, FakeContainer>> containers_;
  base::Guarded<std::map<std::string, FakeImage>> images_;
  mutable base::Guarded<Events> events_;
  std::condition_variable told_;
  FakeEngine engine_;
};

}  // namespace dockershimd::testsupport
