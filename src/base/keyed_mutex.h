#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/result.h"

namespace dockershimd::base {

/// One lock per key, made when needed: calls on one pod wait for each other, pods never do.
class KeyedMutex {
 public:
  /// Holds the key until destroyed. Must not outlive the KeyedMutex.
  class Lease {
   public:
    Lease(KeyedMutex& owner, std::string key) : owner_(&owner), key_(std::move(key)) {}
    Lease(Lease&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (owner_ != nullptr) owner_->Unlock(key_);
    }

   private:
    KeyedMutex* owner_;
    std::string key_;
  };

  /// Waits until nobody else holds `key`, however long: for holders that are sure to be done soon.
  [[nodiscard]] Lease Lock(const std::string& key) {
    auto held = held_.Lock();
    held.Wait(released_, [&] { return !held->contains(key); });
    held->insert(key);
    return {*this, key};
  }

  /// Waits no longer than `context` lasts: kDeadlineExceeded or kCancelled, which say that another
  /// call is at work; the caller adds on what.
  [[nodiscard]] Result<Lease> Lock(const CallContext& context, const std::string& key) {
    const std::stop_callback wake(context.stop, [this] { WakeAll(); });
    auto held = held_.Lock();
    while (held->contains(key)) {
      if (context.IsCancelled()) {
        return Fail(Code::kCancelled, "the caller went away while another call was at work on it");
      }
      if (context.IsExpired()) {
        return Fail(Code::kDeadlineExceeded, "another call is still at work on it");
      }
      // Whether a caller has gone away can only be asked.
      const auto check = context.cancelled ? CallContext::Clock::now() + kCancelCheck
                                           : CallContext::Clock::time_point::max();
      held.WaitUntil(released_, std::min(context.deadline, check));
    }
    held->insert(key);
    return Lease(*this, key);
  }

 private:
  static constexpr std::chrono::milliseconds kCancelCheck{50};

  void Unlock(const std::string& key) {
    held_.Lock()->erase(key);
    released_.notify_all();
  }
  /// With the lock, so that nobody is between his look at the context and his sleep.
  void WakeAll() {
    const auto held = held_.Lock();
    released_.notify_all();
  }

  Guarded<std::unordered_set<std::string>> held_;
  std::condition_variable released_;
};

}  // namespace dockershimd::base
