// SPDX-License-Identifier: BSL-1.0
// A shared library, opened by a test.
#pragma once

#include <dlfcn.h>

#include <stdexcept>

#include "libraries/plugin.hpp"

class opened {
 public:
  opened(const char* path, int scope) : path_(path), handle_(dlopen(path, RTLD_NOW | scope)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());  // NOLINT(concurrency-mt-unsafe): one's own in glibc
  }
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;
  ~opened() { close(); }

  template <class Function>
  Function* function(const char* name) const {
    void* const found = dlsym(handle_, name);
    if (found == nullptr) throw std::runtime_error(dlerror());  // NOLINT(concurrency-mt-unsafe)
    return reinterpret_cast<Function*>(found);
  }
  bool use_containers() const { return function<use_containers_function>("plugin_use_containers")(); }
  void reclaim() const { function<reclaim_function>("plugin_reclaim")(); }
  void reclaim(pawl::hazard_pointers<>& domain) const { function<reclaim_in_function>("plugin_reclaim_in")(domain); }
  void* default_domain() const { return function<default_domain_function>("plugin_default_domain")(); }
  std::size_t default_records() const { return function<default_records_function>("plugin_default_records")(); }
  void push(shared_stack& stack, int value) const { function<push_function>("plugin_push")(stack, value); }
  int pop(shared_stack& stack) const { return function<pop_function>("plugin_pop")(stack); }
  const void* slot_of(pawl::hazard_pointers<>& domain) const { return function<slot_of_function>("plugin_slot_of")(domain); }

  bool use(pawl::epochs<>& domain) const { return function<use_epochs_function>("plugin_use_epochs")(domain); }
  void reclaim(pawl::epochs<>& domain) const { function<reclaim_epochs_function>("plugin_reclaim_epochs")(domain); }

  void close() {
    if (handle_ != nullptr) dlclose(handle_);
    handle_ = nullptr;
  }
  [[nodiscard]] bool is_loaded() const {
    void* const again = dlopen(path_, RTLD_NOW | RTLD_NOLOAD);
    if (again != nullptr) dlclose(again);
    return again != nullptr;
  }

 private:
  const char* path_;
  void* handle_;
};
