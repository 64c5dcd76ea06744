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
  return measure(t, [&](unsigned) { return repeat([&] { keep(shared.value.fetch_add(1)); }); });
}

double one_cas_each(const trial& t) {
  line shared;
  return measure(t, [&](unsigned) {
    return repeat([&] {
      std::uint64_t seen = shared.value.load(std::memory_order_relaxed);
      while (!shared.value.compare_exchange_weak(seen, seen + 1)) {
      }
    });
  });
}

}  // namespace study
