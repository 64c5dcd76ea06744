// SPDX-License-Identifier: BSL-1.0
// Makes one of the planted mistakes and has the scenarios find it:
//   planted NAME          exit status 0 where each family that is to catch it does, and as what it is
//   planted               all, with a table
//   planted --clean       makes none, and is 0 where the scenarios find nothing
//   planted --self-check  0 where neither no mistake nor a wrong kind passes for a mistake that is caught
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Before pawl's headers, which ask it.
#include "model/planted/switch.hpp"

#include "model/planted/mistakes.hpp"
#include "model/planted/scenarios_more.hpp"

namespace {

using planted::mistake;
using planted::sighting;
using scenarios::scenario;

// With a mistake there are more executions, perhaps without end.
constexpr std::uint64_t most_executions = 40000;
constexpr unsigned most_seconds = 60;

// Those that take long come last.
std::vector<scenario> all_scenarios() {
  std::vector<scenario> small;
  std::vector<scenario> large;
  std::array both{scenarios::all(), planted::more()};
  for (std::vector<scenario>& some : both) {
    for (scenario& each : some) (each.large ? large : small).push_back(std::move(each));
  }
  small.insert(small.end(), std::make_move_iterator(large.begin()), std::make_move_iterator(large.end()));
  return small;
}

struct finding {
  std::string by;  // a scenario; empty where none found anything
  std::string kind;
};

finding explore_here(const std::vector<scenario>& all, std::string_view family, const mistake& one) {
  pawl::model::options o;
  o.spurious_failures = one.spurious ? 1 : 0;
  o.max_executions = most_executions;
  bool any = false;
  for (const scenario& each : all) {
    if (!each.name.starts_with(family)) continue;
    any = true;
    o.reuse = one.reuse || each.reuse;
    const pawl::model::report r = pawl::model::check(o, each.body);
    if (!r.ok()) return {each.name, pawl::model::to_string(r.violation->kind)};
  }
  return any ? finding{} : finding{"", "there is no such scenario"};
}

// In a process of its own: a program with a mistake may do anything, crash and run for ever included.
finding explore(const std::vector<scenario>& all, std::string_view family, const mistake& one) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    alarm(most_seconds);
    const finding found = explore_here(all, family, one);
    const std::string text = found.by + '\n' + found.kind;
    const bool written = write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char part[256];
  for (ssize_t n = 0; (n = read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return {"", "no end in " + std::to_string(most_seconds) + " s"};
  if (WIFSIGNALED(status)) return {"a scenario that crashes", "crash"};
  const std::size_t line = text.find('\n');
  if (line == std::string::npos) throw std::runtime_error("the child has said nothing");
  return {text.substr(0, line), text.substr(line + 1)};
}

bool is_caught(const std::vector<scenario>& all, const mistake& one, int number) {
  planted::chosen = number;
  bool caught = !one.caught.empty();
  for (const sighting& each : one.caught) {
    const finding found = explore(all, each.family, one);
    std::string wanted;
    for (const std::string_view kind : each.kinds) wanted += (wanted.empty() ? "" : " or ") + std::string(kind);
    const bool right = !found.by.empty() && std::find(each.kinds.begin(), each.kinds.end(), found.kind) != each.kinds.end();
    caught = caught && right;
    std::cout << (right              ? "caught"
                  : found.by.empty() ? "NOT CAUGHT"
                                     : "WRONG KIND")
              << " | " << one.row << " | " << one.name << " | " << each.family << " | " << found.kind << " | " << found.by
              << (right ? "" : " | wanted: " + wanted) << '\n'
              << std::flush;
  }
  planted::chosen = 0;
  return caught;
}

// planted::more() completely. The other scenarios containers.cpp explores completely, of the headers themselves: here a few executions of
// each are enough.
bool is_clean(const std::vector<scenario>& all) {
  bool clean = true;
  const auto explore_one = [&clean](const scenario& each, bool spurious, bool reuse, std::uint64_t most) {
    pawl::model::options o;
    o.spurious_failures = spurious ? 1 : 0;
    o.reuse = reuse || each.reuse;
    o.max_executions = most;
    const pawl::model::report r = pawl::model::check(o, each.body);
    if (r.ok() && (most != 0 || r.complete)) return;
    std::cout << each.name << ": " << (r.violation ? r.violation->message + '\n' + r.violation->trace : "not complete") << '\n';
    clean = false;
  };
  for (const bool reuse : {false, true}) {
    for (const scenario& each : planted::more()) explore_one(each, false, reuse, 0);
    for (const scenario& each : all) {
      if (!each.large) explore_one(each, !reuse, reuse, 300);
    }
  }
  return clean;
}

bool checks_itself(const std::vector<scenario>& all) {
  mistake wrong_kind = planted::mistakes().front();
  wrong_kind.caught.front().kinds = {"livelock"};
  const bool none = is_caught(all, planted::mistakes().front(), 0);
  const bool wrong = is_caught(all, wrong_kind, 1);
  return !none && !wrong;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc == 2 ? argv[1] : "";
  const std::vector<scenario> all = all_scenarios();
  if (name == "--clean") return is_clean(all) ? 0 : 1;
  if (name == "--self-check") return checks_itself(all) ? 0 : 1;
  int made = 0;
  int caught = 0;
  for (const mistake& each : planted::mistakes()) {
    if (!name.empty() && each.name != name) continue;
    ++made;
    caught += is_caught(all, each, planted::number_of(each)) ? 1 : 0;
  }
  std::cout << made << " planted, " << caught << " caught\n";
  return made > 0 && made == caught ? 0 : 1;
}
