// SPDX-License-Identifier: BSL-1.0
// The order report: each memory order in include/pawl, weakened by one step at a time, and the scenario that notices. Writes a page of the
// docs. `./dev orders` runs it.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "model/scenarios.hpp"
#include "reasons.hpp"

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

// With a weaker order there are more executions, of scenarios that take seconds as they are.
constexpr std::uint64_t most_executions = 20000;

struct finding {
  order_site site;
  std::memory_order to;
  std::string caught_by;  // empty: by none
  std::string kind;
};

finding weaken_here(const order_site& site, std::memory_order to, const std::vector<scenarios::scenario>& all,
                    const std::map<std::string, std::vector<order_site>>& sites_of) {
  auto& watch = model::detail::watch_orders;
  finding result{site, to, "", ""};
  watch.target = site;
  watch.weaker = to;
  watch.weakens = true;
  for (const bool large : {false, true}) {
    for (const scenarios::scenario& each : all) {
      if (each.large != large || !result.caught_by.empty()) continue;
      const std::vector<order_site>& uses = sites_of.at(each.name);
      if (std::find(uses.begin(), uses.end(), site) == uses.end()) continue;
      const model::report r = scenarios::explore(each, most_executions);
      if (r.ok()) continue;
      result.caught_by = each.name;
      result.kind = model::to_string(r.violation->kind);
    }
  }
  watch.weakens = false;
  return result;
}

// In a process of its own: a program with too weak an order may do anything, crash and run for ever included.
finding weaken(const order_site& site, std::memory_order to, const std::vector<scenarios::scenario>& all,
               const std::map<std::string, std::vector<order_site>>& sites_of) {
  finding result{site, to, "", ""};
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    alarm(120);
    const finding found = weaken_here(site, to, all, sites_of);
    const std::string text = found.caught_by + '\n' + found.kind + '\n';
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
  if (WIFSIGNALED(status)) {
    result.caught_by = WTERMSIG(status) == SIGALRM ? "" : "a scenario that crashes";
    result.kind = WTERMSIG(status) == SIGALRM ? "" : "signal " + std::to_string(WTERMSIG(status));
    return result;
  }
  result.caught_by = text.substr(0, text.find('\n'));
  if (!result.caught_by.empty()) result.kind = text.substr(text.find('\n') + 1, text.size() - text.find('\n') - 2);
  return result;
}

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\|");
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: order_report FILE\n";
    return 2;
  }
  const std::vector<scenarios::scenario> all = scenarios::all();
  auto& watch = model::detail::watch_orders;
  std::map<std::string, std::vector<order_site>> sites_of;
  std::vector<order_site> sites;
  for (const scenarios::scenario& each : all) {
    watch.found.clear();
    watch.collects = true;
    const model::report r = scenarios::explore(each);
    watch.collects = false;
    if (!r.ok() || !r.complete) {
      std::cerr << each.name << ": fails without any weakening: " << (r.violation ? r.violation->message : "not complete") << '\n';
      return 1;
    }
    for (const order_site& site : watch.found) {
      sites_of[each.name].push_back(site);
      const bool ours = !file_of(site).empty() || site.kind == access_kind::light_fence || site.kind == access_kind::heavy_fence;
      if (ours && std::find(sites.begin(), sites.end(), site) == sites.end()) sites.push_back(site);
    }
  }
  std::sort(sites.begin(), sites.end(), [](const order_site& a, const order_site& b) {
    return std::make_tuple(file_of(a), a.where.line, a.kind) < std::make_tuple(file_of(b), b.where.line, b.kind);
  });

  std::vector<finding> findings;
  std::size_t relaxed = 0;
  for (const order_site& site : sites) {
    const std::vector<std::memory_order> orders = weaker(site);
    relaxed += orders.empty() ? 1U : 0U;
    for (const std::memory_order to : orders) {
      findings.push_back(weaken(site, to, all, sites_of));
      std::fprintf(stderr, "%s:%d %s: %s\n", file_of(site).c_str(), site.where.line, name_of(site.kind).c_str(),
                   findings.back().caught_by.empty() ? "NOT CAUGHT" : findings.back().kind.c_str());
    }
  }
  const auto caught = static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [](const finding& each) { return !each.caught_by.empty(); }));

  std::ofstream page(argv[1]);
  page << "# Memory orders: each weakened, and what notices\n\n"
       << "Made by `./dev orders`. Each memory order that pawl's headers name and the scenarios (`tests/model/scenarios.hpp`, "
       << all.size()
       << " of them)\ncome by is weakened by one step, at run time, with all others as they are, and the scenarios are explored "
          "again, up to "
       << most_executions << " executions of each.\n\n"
       << sites.size() << " sites, of which " << relaxed << " are relaxed already; " << findings.size() << " weakenings, " << caught
       << " of them caught.\n\n";
  page << "## Caught\n\n| place | access | order | weakened to | found by | as |\n|---|---|---|---|---|---|\n";
  const auto place_of = [](const finding& each) {
    const std::string file = file_of(each.site);
    return file.empty() ? "environment" : file + ":" + std::to_string(each.site.where.line);
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
  std::cout << findings.size() << " weakenings, " << caught << " caught, " << without_reason << " neither caught nor explained\n";
  return without_reason == 0 ? 0 : 1;
}
