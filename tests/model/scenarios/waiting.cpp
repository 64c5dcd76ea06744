// SPDX-License-Identifier: BSL-1.0
// The room in which the host's threads wait: on an object of four bytes, which is slept on itself, and on others. All accesses that the
// program itself makes are relaxed, so that what is not lost the room has kept.
#include <cstdint>
#include <string>
#include <utility>

#include "model/modelled_room.hpp"
#include "model/scenarios.hpp"

namespace scenarios {
namespace {

template <class W>
void add_rooms(std::vector<scenario>& all, const std::string& size) {
  const auto add = [&](const char* what, std::function<void()> body) {
    all.push_back({"waiting: " + size + ": " + what, std::move(body)});
  };
  add("wait | store, notify_one", [] {
    modelled_room<W> r;
    at_once([&] { r.wait(0); },
            [&] {
              r.set(1);
              r.notify(true);
            });
  });
  add("wait | store, notify_one, twice", [] {
    modelled_room<W> r;
    at_once(
        [&] {
          r.wait(0);
          r.wait(1);
        },
        [&] {
          for (const W value : {W{1}, W{2}}) {
            r.set(value);
            r.notify(true);
          }
        });
  });
  add("wait of acquire, read | write, store of release, notify_one", [] {
    modelled_room<W> r;
    model::var<int> data{0};
    at_once(
        [&] {
          r.wait(0, std::memory_order_acquire);
          static_cast<void>(data.get());
        },
        [&] {
          data.set(1);
          r.set(1, std::memory_order_release);
          r.notify(true);
        });
  });
  for (const bool one : {true, false}) {
    add(one ? "wait | wait | store, notify_one, notify_one" : "wait | wait | store, notify_all", [one] {
      modelled_room<W> r;
      at_once([&] { r.wait(0); }, [&] { r.wait(0); },
              [&] {
                r.set(1);
                r.notify(one);
                if (one) r.notify(one);
              });
    });
  }
  add("wait | wait for another object | store, notify_one, of each", [] {
    modelled_room<W> r;
    W other = 0;
    at_once([&] { r.wait(0); }, [&] { r.wait_for(other, 0); },
            [&] {
              r.set(1);
              r.notify(true);
              B::store(other, 1, std::memory_order_relaxed);
              r.notify_of(other, true);
            });
  });
}

}  // namespace

void add_waiting(std::vector<scenario>& all) {
  add_rooms<std::uint8_t>(all, "1 byte");
  add_rooms<std::uint32_t>(all, "4 bytes");
}

}  // namespace scenarios
