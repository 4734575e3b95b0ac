#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dockerapi/client.h"
#include "shim/logs/folder_watch.h"
#include "shim/logs/log_pipeline.h"
#include "shim/logs/tail.h"

namespace dockershimd::shim::logs {

/// All containers that are followed, and which of them has work now. Belongs to one thread, which
/// waits until there is some and then calls Work().
class LogLoop {
 public:
  using Clock = std::chrono::steady_clock;

  /// What the loop tells its surroundings.
  struct Signals {
    std::function<void(const std::string& id)> ready;  ///< call MakeDue; from any thread
    std::function<void(const std::string& id)> ended;  ///< it is followed no more
  };

  LogLoop(std::filesystem::path position_folder, dockerapi::Client& docker, Counters& counters,
          Signals signals);

  /// Goes on with the logs that an earlier daemon followed, before Docker is asked about their
  /// containers: what is away for long loses what Docker rotates away. Returns their containers.
  [[nodiscard]] std::vector<std::string> ResumeRemembered();

  // As LogPipeline's.
  [[nodiscard]] base::Status Follow(const LogStream& stream);
  void Resume(const LogStream& stream, bool runs);
  [[nodiscard]] base::Status Reopen(const std::string& id);
  void Finish(const std::string& id);
  void Forget(const std::string& id);
  void ForgetUnconfirmed();
  /// There is something to read for this container.
  void MakeDue(const std::string& id);

  /// Readable when files have changed. Not to be waited for while IsGathering().
  [[nodiscard]] int Descriptor() const { return watch_.Descriptor(); }
  [[nodiscard]] bool IsGathering() const { return Clock::now() < gather_until_; }
  /// When there is work without an event, in ms from now; -1: never.
  [[nodiscard]] int WaitMillis() const;
  void Work();

 private:
  struct Followed {
    explicit Followed(Tail its_tail) : tail(std::move(its_tail)) {}
    Tail tail;
    std::string docker_log;
    int watch = -1;            ///< of Docker's folder
    bool hears_writes = true;  ///< else it is loud, and looked at in each round
    std::size_t in_round = 0;  ///< bytes written for it in this round
    bool is_due = false;       ///< stands in due_
    bool is_touched = false;   ///< stands in touched_
    bool is_stalled = false;   ///< waits for one of timers_
    bool is_open = false;      ///< may hold files open
    Clock::time_point last_active;
    /// The container is gone: when the last of its log is given up.
    std::optional<Clock::time_point> give_up;
  };

  using Entries = std::unordered_map<std::string, Followed>;

  /// The entry of a stream, and whether it is new.
  std::pair<Entries::iterator, bool> Enter(const LogStream& stream);
  [[nodiscard]] std::filesystem::path StreamFile(const std::string& id) const;
  void RemoveState(const std::string& id) const;
  std::unique_ptr<Source> MakeSource(const LogStream& stream, const SourcePosition& from);
  void TakeTimers();
  void ReadEvents();
  void StartRound();
  void PumpDue();
  void Pump(Entries::iterator entry);
  void Touch(const std::string& id, Followed& followed);
  base::Status Listen(const std::string& id, Followed& followed, FolderWatch::Events events);
  /// All that there was has been read: waits for an event, or for the next round.
  void AwaitMore(const std::string& id, Followed& followed);
  void MarkOpen(Followed& followed);
  void RestIdle();
  void Drop(Entries::iterator found);

  const std::filesystem::path position_folder_;
  dockerapi::Client& docker_;
  Counters& counters_;
  const Signals signals_;
  FolderWatch watch_;
  Entries followed_;
  /// Containers that an earlier daemon followed, and nobody has spoken of since.
  std::unordered_set<std::string> unconfirmed_;
  std::unordered_map<int, std::string> by_watch_;
  std::deque<std::string> due_;                           ///< to be pumped now
  std::vector<std::string> touched_;                      ///< to be pumped with the next round
  std::multimap<Clock::time_point, std::string> timers_;  ///< when to look after whom
  Clock::time_point gather_until_;
  Clock::time_point rest_check_;
  bool any_open_ = false;
  Batch batch_;
};

}  // namespace dockershimd::shim::logs
