#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

namespace dockershimd::base {

/// Data that can only be reached with its mutex held:
///
///   Guarded<std::map<Key, Value>> map;
///   map.Lock()->emplace(key, value);          // for one expression
///   auto locked = map.Lock(); locked->...;    // for a scope
template <class T>
class Guarded {
 public:
  template <class Data>
  class Handle {
   public:
    Handle(std::mutex& mutex, Data& data) : lock_(mutex), data_(&data) {}
    Data* operator->() const { return data_; }
    Data& operator*() const { return *data_; }

    /// Waits on a condition variable with the data's own lock.
    template <class Predicate>
    void Wait(std::condition_variable& condition, Predicate predicate) {
      condition.wait(lock_, std::move(predicate));
    }
    /// Waits until it is woken, perhaps for nothing, or until `time`.
    template <class TimePoint>
    void WaitUntil(std::condition_variable& condition, TimePoint time) {
      condition.wait_until(lock_, time);
    }
    /// Returns false when `time` came first.
    template <class TimePoint, class Predicate>
    bool WaitUntil(std::condition_variable& condition, TimePoint time, Predicate predicate) {
      return condition.wait_until(lock_, time, std::move(predicate));
    }

   private:
    std::unique_lock<std::mutex> lock_;
    Data* data_;
  };

  Guarded() = default;
  explicit Guarded(T data) : data_(std::move(data)) {}

  [[nodiscard]] Handle<T> Lock() { return {mutex_, data_}; }
  [[nodiscard]] Handle<const T> Lock() const { return {mutex_, data_}; }

 private:
  mutable std::mutex mutex_;
  T data_;
};

}  // namespace dockershimd::base
