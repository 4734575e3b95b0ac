#pragma once

#include <condition_variable>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/guarded.h"

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

  /// Waits until nobody else holds `key`.
  [[nodiscard]] Lease Lock(const std::string& key) {
    auto held = held_.Lock();
    held.Wait(released_, [&] { return !held->contains(key); });
    held->insert(key);
    return {*this, key};
  }

 private:
  void Unlock(const std::string& key) {
    held_.Lock()->erase(key);
    released_.notify_all();
  }

  Guarded<std::unordered_set<std::string>> held_;
  std::condition_variable released_;
};

}  // namespace dockershimd::base
