// SPDX-License-Identifier: BSL-1.0
// options::progress: a line on a terminal that says how far the check is, and nothing elsewhere.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <pawl/atomic.hpp>
#include <pawl/model.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "catch.hpp"

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;

/// The standard error stream is the far end of a new terminal, or of a pipe, until this ends; `said` is what came.
class listened_to {
 public:
  explicit listened_to(bool terminal) {
    if (terminal) {
      near_ = posix_openpt(O_RDWR | O_NOCTTY);
      REQUIRE(near_ >= 0);
      REQUIRE(grantpt(near_) == 0);
      REQUIRE(unlockpt(near_) == 0);
      far_ = open(ptsname(near_), O_RDWR | O_NOCTTY);
    } else {
      int ends[2];
      REQUIRE(pipe(ends) == 0);
      near_ = ends[0];
      far_ = ends[1];
    }
    REQUIRE(far_ >= 0);
    REQUIRE(fcntl(near_, F_SETFL, O_NONBLOCK) == 0);
    std::fflush(stderr);
    usual_ = dup(STDERR_FILENO);
    REQUIRE(dup2(far_, STDERR_FILENO) == STDERR_FILENO);
  }
  listened_to(const listened_to&) = delete;
  listened_to& operator=(const listened_to&) = delete;
  ~listened_to() {
    std::fflush(stderr);
    dup2(usual_, STDERR_FILENO);
    for (const int each : {near_, far_, usual_}) close(each);
  }

  /// Until now; a line is far shorter than what a terminal holds.
  std::string said() {
    std::fflush(stderr);
    std::string text;
    std::array<char, 4096> some{};
    for (ssize_t n = read(near_, some.data(), some.size()); n > 0; n = read(near_, some.data(), some.size())) {
      text.append(some.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  int near_ = -1;
  int far_ = -1;
  int usual_ = -1;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// 90 executions of at least 10 ms each: every 64th asks whether half a second has passed.
void slow() {
  pawl::atomic<int, B> x{0};
  const auto adds = [&x] {
    x.fetch_add(1);
    x.fetch_add(1);
  };
  model::thread a(adds);
  model::thread b(adds);
  model::thread c(adds);
  a.join();
  b.join();
  c.join();
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
}
constexpr std::uint64_t slow_executions = 90;

model::report check_slow(model::options o) {
  o.progress = true;
  return model::check(o, slow);
}

}  // namespace

TEST_CASE("on a terminal a check says how far it is, and takes the line back") {
  std::string text;
  model::report r;
  {
    listened_to terminal(true);
    r = check_slow({});
    text = terminal.said();
  }
  CAPTURE(text);
  CHECK(r.complete);
  CHECK(r.executions == slow_executions);
  REQUIRE(has(text, "64 executions, 0 blocked, "));
  // A guess that is no wilder than this: 64 of 90 are 71 %.
  const std::size_t about = text.find("; about ");
  REQUIRE(about != std::string::npos);
  const double part = std::stod(text.substr(about + 8));
  CHECK(part > 20);
  CHECK(part <= 100);
  CHECK(has(text, " % done, "));
  CHECK(has(text, " s left"));
  CHECK(text.ends_with("\r\033[K"));
}
TEST_CASE("where the number of executions is given, the part that is done is exact") {
  std::string text;
  {
    listened_to terminal(true);
    model::options o;
    o.mode = model::mode::random;
    o.max_executions = 256;
    check_slow(o);
    text = terminal.said();
  }
  CAPTURE(text);
  CHECK(has(text, "64 executions, 0 blocked, "));
  CHECK(has(text, "; about 25 % done, "));
}
TEST_CASE("elsewhere a check says nothing, and on a terminal neither where it was not asked") {
  listened_to pipe(false);
  check_slow({});
  CHECK(pipe.said().empty());
  listened_to terminal(true);
  model::check(slow);
  CHECK(terminal.said().empty());
}
