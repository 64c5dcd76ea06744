// SPDX-License-Identifier: BSL-1.0
#include "containers.hpp"

namespace study {
namespace {

struct alignas(128) line {
  pawl::atomic<std::uint64_t> value{0};
};

}  // namespace

double one_fetch_add_each(const trial& t) {
  line shared;
  return measure(t, [&](unsigned) { return repeat(shared.value, [](auto& a) { keep(a.fetch_add(1)); }); });
}

double one_cas_each(const trial& t) {
  line shared;
  return measure(t, [&](unsigned) {
    return repeat(shared.value, [](auto& a) {
      std::uint64_t seen = a.load(std::memory_order_relaxed);
      while (!a.compare_exchange_weak(seen, seen + 1)) {
      }
    });
  });
}

}  // namespace study
