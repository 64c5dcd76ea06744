// SPDX-License-Identifier: BSL-1.0
// The checker's own array: it takes its memory from malloc, since operator new may be the program's that is checked, and keeps it, so
// that nothing is allocated in the steady state.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

#include "../detail/config.hpp"

namespace pawl::inline v0::model::detail {

template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  buffer() = default;
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;
  ~buffer() { std::free(data_); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data_; }
  [[nodiscard]] const T* end() const noexcept { return data_ + size_; }
  T& back() noexcept { return data_[size_ - 1]; }
  [[nodiscard]] const T& back() const noexcept { return data_[size_ - 1]; }

  void clear() noexcept { size_ = 0; }
  /// Elements beyond the old size hold anything.
  void resize(std::size_t size) {
    reserve(size);
    size_ = size;
  }
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) [[unlikely]]
      grow(capacity);
  }
  PAWL_ALWAYS_INLINE void push_back(const T& element) {
    if (size_ == capacity_) [[unlikely]]
      return push_growing(element);
    data_[size_++] = element;
  }
  void pop_back() noexcept { --size_; }
  void insert(std::size_t place, const T& element) {
    push_back(element);
    for (std::size_t i = size_ - 1; i > place; --i) data_[i] = data_[i - 1];
    data_[place] = element;
  }
  void erase(std::size_t place) noexcept {
    for (std::size_t i = place + 1; i < size_; ++i) data_[i - 1] = data_[i];
    --size_;
  }

 private:
  // (These two are out of line, so that what comes in the steady state is short.)
  [[gnu::noinline, gnu::cold]] void push_growing(const T& element) {
    const T copy = element;
    grow(size_ + 1);
    data_[size_++] = copy;
  }
  [[gnu::noinline, gnu::cold]] void grow(std::size_t capacity) {
    if (capacity < 2 * capacity_) capacity = 2 * capacity_;
    void* const moved = std::realloc(static_cast<void*>(data_), capacity * sizeof(T));
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<T*>(moved);
    capacity_ = capacity;
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace pawl::inline v0::model::detail
