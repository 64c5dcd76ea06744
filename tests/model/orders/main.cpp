// SPDX-License-Identifier: BSL-1.0
// The order report: each memory order in include/pawl, weakened by one step at a time, and the scenario that notices. Writes a page of the
// docs, and prints the tables of docs/model.md. `./dev orders` runs it. Given no page it only looks whether each order that the headers name
// is met by a scenario, or is known to be out of the model's reach.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "model/scenarios.hpp"
#include "named_orders.hpp"
#include "reasons.hpp"
#include "table.hpp"

namespace {

namespace model = pawl::model;
using model::detail::access_kind;
using model::detail::order_site;

std::string name_of(access_kind kind) {
  switch (kind) {
    case access_kind::load:
      return "load";
    case access_kind::store:
      return "store";
    case access_kind::update:
      return "read-modify-write";
    case access_kind::failure:
      return "failed CAS";
    case access_kind::fence:
      return "fence";
    case access_kind::light_fence:
      return "light fence";
    case access_kind::heavy_fence:
      return "heavy fence";
  }
  return "";
}

std::string file_of(const order_site& site) {
  const std::string file(site.where.file);
  const std::size_t at = file.rfind("include/pawl/");
  return at == std::string::npos ? "" : file.substr(at + std::strlen("include/"));
}

// The next weaker orders that the access may have; a fence of the two asymmetric ones can only go.
std::vector<std::memory_order> weaker(const order_site& site) {
  using enum std::memory_order;
  const bool loads = site.kind == access_kind::load || site.kind == access_kind::failure;
  switch (site.order) {
    case seq_cst:
      if (site.kind == access_kind::light_fence || site.kind == access_kind::heavy_fence) return {relaxed};
      if (loads) return {acquire};
      if (site.kind == access_kind::store) return {release};
      return {acq_rel};
    case acq_rel:
      return {acquire, release};
    case acquire:
    case release:
      return {relaxed};
    default:
      return {};
  }
}

// The line as it stands in the source, so that the page can be read beside it and a reason finds its line when lines move.
std::string source_line(const order_site& site) {
  std::ifstream file(site.where.file);
  std::string line;
  for (int n = 0; n < site.where.line && std::getline(file, line); ++n) {
  }
  const std::size_t first = line.find_first_not_of(' ');
  return first == std::string::npos ? "" : line.substr(first);
}

/// What a scenario is with all orders as they are.
struct use {
  const scenarios::scenario* of;
  std::vector<order_site> sites;
  std::uint64_t executions;
  std::uint64_t mean_steps;

  [[nodiscard]] bool has(const order_site& site) const { return std::find(sites.begin(), sites.end(), site) != sites.end(); }
  // With a weaker order there are more executions. Where there are so many more, and they get longer, nothing says that they ever end: a loop
  // may read what is old again and again.
  [[nodiscard]] std::uint64_t too_many() const { return std::max<std::uint64_t>(5000, 20 * executions); }
  [[nodiscard]] bool grew(const model::report& r) const {
    return !r.complete && r.executions + r.blocked >= too_many() && r.steps > 2 * mean_steps * (r.executions + r.blocked);
  }
};

struct finding {
  order_site site;
  std::memory_order to;
  std::string caught_by{};  // empty: by none
  std::string kind{};
};

// How a child process tells its parent what it does: a letter, and a text. A scenario that it begins; one that was explored up to its bound
// and got longer and longer; of one that found something, the kind.
enum tale : char { begins = '>', never_ends = '+', found = '!' };
void tell(int to, tale what, const std::string& text) {
  const std::string line = std::string(1, what) + text + '\n';
  if (write(to, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
}

void weaken_here(int parent, const order_site& site, std::memory_order to, const std::vector<use>& uses) {
  auto& watch = model::detail::watch_orders;
  watch.target = site;
  watch.weaker = to;
  watch.weakens = true;
  int endless = 0;
  for (const use& each : uses) {
    if (!each.has(site)) continue;
    tell(parent, begins, each.of->name);
    const model::report r = scenarios::explore(*each.of, each.too_many());
    if (!r.ok()) return tell(parent, found, model::to_string(r.violation->kind));
    if (!each.grew(r)) continue;
    tell(parent, never_ends, "");
    if (++endless == 3) return;  // a violation says more, but it may be long in coming
  }
}

// In a process of its own: a program with too weak an order may do anything, crash and run for ever included.
finding weaken(const order_site& site, std::memory_order to, const std::vector<use>& uses) {
  constexpr unsigned most_seconds = 300;
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    alarm(most_seconds);
    weaken_here(ends[1], site, to, uses);
    _exit(0);
  }
  close(ends[1]);
  finding result{site, to};
  std::string endless;
  std::string current;
  bool violated = false;
  std::FILE* const tales = fdopen(ends[0], "r");
  char line[1024];
  while (std::fgets(line, sizeof line, tales) != nullptr) {
    std::string text(line + 1);
    if (!text.empty()) text.pop_back();
    if (line[0] == begins) current = text;
    if (line[0] == never_ends && endless.empty()) endless = current;
    if (line[0] == found) {
      violated = true;
      result.caught_by = current;
      result.kind = text;
    }
  }
  std::fclose(tales);
  int status = 0;
  waitpid(child, &status, 0);
  if (violated) return result;
  if (WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM) {
    result.caught_by = current;
    result.kind = "crash, signal " + std::to_string(WTERMSIG(status));
  } else if (!endless.empty()) {
    result.caught_by = endless;
    result.kind = "does not end";
  } else if (WIFSIGNALED(status)) {
    std::fprintf(stderr, "not all was explored in %u seconds; last: %s\n", most_seconds, current.c_str());
  }
  return result;
}

/// Each in a child, and as many children at a time as there are processors: a thread here only waits for its child.
void weaken_all(std::vector<finding>& findings, const std::vector<use>& uses) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads(std::max(1U, std::thread::hardware_concurrency()));
  for (std::jthread& each : threads) {
    each = std::jthread([&] {
      for (std::size_t i = next.fetch_add(1); i < findings.size(); i = next.fetch_add(1)) {
        finding& mine = findings[i];
        mine = weaken(mine.site, mine.to, uses);
        std::fprintf(stderr, "%s:%d %s: %s\n", file_of(mine.site).c_str(), mine.site.where.line, name_of(mine.site.kind).c_str(),
                     mine.caught_by.empty() ? "NOT CAUGHT" : mine.kind.c_str());
      }
    });
  }
}

// ---- Orders that no scenario comes by -------------------------------------------------------------------------------------------------

std::string name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
    default:
      return "";
  }
}

/// Those among all that the headers name. (One line may name an order twice, such as a compare-and-swap's both; then it has two sites.)
std::vector<named_order> unmet(const std::vector<order_site>& sites) {
  std::vector<std::string> met;
  for (const order_site& site : sites) {
    const bool light = site.kind == access_kind::light_fence;
    const std::string what = light ? "light fence" : site.kind == access_kind::heavy_fence ? "heavy fence" : name_of(site.order);
    met.push_back(file_of(site) + ":" + std::to_string(site.where.line) + " " + what);
  }
  std::vector<named_order> found;
  for (const named_order& each : orders_named_below(PAWL_INCLUDE)) {
    const auto at = std::find(met.begin(), met.end(), each.file + ":" + std::to_string(each.line) + " " + each.what);
    if (at == met.end()) {
      found.push_back(each);
    } else {
      met.erase(at);
    }
  }
  return found;
}
/// The number of those of which nothing says why. They are printed.
std::size_t print_unexplained(const std::vector<named_order>& all) {
  std::size_t number = 0;
  for (const named_order& each : all) {
    if (!reason_unmet(each).empty()) continue;
    ++number;
    std::cerr << each.file << ':' << each.line << ": " << each.what << " is met by no scenario: " << each.text << '\n';
  }
  return number;
}
/// A row for each file and reason.
void write_unmet(std::ostream& page, const std::vector<named_order>& all) {
  struct row {
    std::string file;
    std::string why;
    std::string lines;
  };
  std::vector<row> rows;
  for (const named_order& each : all) {
    const std::string why = reason_unmet(each);
    auto mine = std::find_if(rows.begin(), rows.end(), [&](const row& r) { return r.file == each.file && r.why == why; });
    if (mine == rows.end()) mine = rows.insert(rows.end(), {each.file, why, ""});
    mine->lines += (mine->lines.empty() ? "" : ", ") + std::to_string(each.line) + " " + each.what;
  }
  for (const row& each : rows) {
    page << "| " << each.file << " | " << each.lines << " | " << (each.why.empty() ? "**no reason known**" : each.why) << " |\n";
  }
}

/// Explores each scenario a little: what is met, is met early.
int look() {
  auto& watch = model::detail::watch_orders;
  watch.collects = true;
  for (const scenarios::scenario& each : scenarios::all()) scenarios::explore(each, 50);
  const std::vector<order_site> sites(watch.found.begin(), watch.found.end());
  const std::vector<named_order> missed = unmet(sites);
  const std::size_t unexplained = print_unexplained(missed);
  std::cout << sites.size() << " sites; " << missed.size() << " orders that no scenario comes by, " << unexplained
            << " of them for no known reason\n";
  return unexplained == 0 ? 0 : 1;
}

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\|");
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) return look();
  if (argc != 2) {
    std::cerr << "usage: order_report [FILE]\n";
    return 2;
  }
  std::vector<scenarios::scenario> all = scenarios::all();
  std::erase_if(all, [](const scenarios::scenario& each) { return each.huge; });
  auto& watch = model::detail::watch_orders;
  std::vector<use> uses;
  std::vector<order_site> sites;
  std::vector<scenario_size> sizes;
  for (const scenarios::scenario& each : all) {
    watch.found.clear();
    watch.collects = true;
    const model::report r = scenarios::explore(each);
    watch.collects = false;
    if (!r.ok() || !r.complete) {
      std::cerr << each.name << ": fails without any weakening: " << (r.violation ? r.violation->message : "not complete") << '\n';
      return 1;
    }
    sizes.push_back({each.name, each.large, r.executions, r.blocked, r.steps, r.seconds});
    use mine{&each, {}, r.executions, r.steps / r.executions};
    for (const order_site& site : watch.found) {
      const bool ours = !file_of(site).empty() || site.kind == access_kind::light_fence || site.kind == access_kind::heavy_fence;
      if (!ours) continue;
      mine.sites.push_back(site);
      if (std::find(sites.begin(), sites.end(), site) == sites.end()) sites.push_back(site);
    }
    uses.push_back(mine);
  }
  print_tables(sizes);
  // The quickest first.
  std::stable_sort(uses.begin(), uses.end(), [](const use& a, const use& b) { return a.executions < b.executions; });
  std::sort(sites.begin(), sites.end(), [](const order_site& a, const order_site& b) {
    return std::make_tuple(file_of(a), a.where.line, a.kind) < std::make_tuple(file_of(b), b.where.line, b.kind);
  });

  std::vector<finding> findings;
  std::size_t relaxed = 0;
  for (const order_site& site : sites) {
    const std::vector<std::memory_order> orders = weaker(site);
    relaxed += orders.empty() ? 1U : 0U;
    for (const std::memory_order to : orders) findings.push_back({site, to});
  }
  weaken_all(findings, uses);
  const auto caught = static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [](const finding& each) { return !each.caught_by.empty(); }));

  std::ofstream page(argv[1]);
  page << "# Memory orders: each weakened, and what notices\n\n"
       << "Made by `./dev orders`. Each memory order that pawl's headers name and the scenarios (`tests/model/scenarios`, "
       << all.size()
       << " of them)\ncome by is weakened by one step, at run time, with all others as they are, and the scenarios are explored "
          "again: "
          "first the quick ones.\n\n"
       << "What notices is a violation, or a crash of the checked program, or that a scenario \"does not end\": it is far from "
          "complete "
          "after\n20 times as many executions as it has (at least 5,000), and they are more than twice as long. Then a loop may go "
          "on reading "
          "what is old.\n\n"
       << sites.size() << " sites, of which " << relaxed << " are relaxed already; " << findings.size() << " weakenings, " << caught
       << " of them caught.\n\n";
  page << "## Caught\n\n| place | access | order | weakened to | found by | as |\n|---|---|---|---|---|---|\n";
  const auto place_of = [](const finding& each) {
    const std::string file = file_of(each.site);
    return file.empty() ? "a scenario's own" : file + ":" + std::to_string(each.site.where.line);
  };
  const auto to_of = [](const finding& each) {
    return each.site.kind == access_kind::light_fence || each.site.kind == access_kind::heavy_fence
               ? "no fence"
               : model::detail::text_of(each.to);
  };
  for (const finding& each : findings) {
    if (each.caught_by.empty()) continue;
    page << "| " << place_of(each) << " | " << name_of(each.site.kind) << " | " << model::detail::text_of(each.site.order) << " | "
         << to_of(each) << " | " << cell(each.caught_by) << " | " << each.kind << " |\n";
  }
  page << "\n## Not caught by these scenarios\n\nThe order stays, for the reason given.\n\n"
       << "| place | access | order | weakened to | line | why it stays |\n|---|---|---|---|---|---|\n";
  std::size_t without_reason = 0;
  for (const finding& each : findings) {
    if (!each.caught_by.empty()) continue;
    const std::string line = source_line(each.site);
    const std::string reason = reason_for(file_of(each.site), line);
    without_reason += reason.empty() ? 1U : 0U;
    page << "| " << place_of(each) << " | " << name_of(each.site.kind) << " | " << model::detail::text_of(each.site.order) << " | "
         << to_of(each) << " | `" << cell(line) << "` | " << (reason.empty() ? "**no reason known**" : cell(reason)) << " |\n";
  }
  const std::vector<named_order> missed = unmet(sites);
  page << "\n## Met by no scenario\n\nAll others that the headers name, outside of the checker itself: read from their text. Each "
          "file with "
          "the lines, and what\nlooks after them instead.\n\n| file | lines | why, and what checks them |\n|---|---|---|\n";
  write_unmet(page, missed);
  const std::size_t unexplained = print_unexplained(missed);
  std::cout << findings.size() << " weakenings, " << caught << " caught, " << without_reason << " neither caught nor explained; "
            << missed.size() << " orders met by no scenario, " << unexplained << " of them for no known reason\n";
  return without_reason == 0 && unexplained == 0 ? 0 : 1;
}
