// SPDX-License-Identifier: BSL-1.0
// bench_versus: the promises about speed, each as one line, from many short interleaved repetitions in one process.
//
// A ratio is the median of the ratios of neighbours in time: A and B of one repetition ran under nearly the same machine, the medians
// of A and of B perhaps did not.
#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <type_traits>

#include <CLI/CLI.hpp>

#include "pawl/backoff.hpp"
#include "progress.hpp"
#include "session.hpp"

namespace {

using study::series;

const series& find(const std::vector<series>& all, const std::string& structure, const std::string& library,
                   const std::string& variant, unsigned threads) {
  for (const series& each : all) {
    const study::point& p = *each.what;
    if (p.structure == structure && p.library == library && p.variant == variant && each.threads == threads) return each;
  }
  throw std::runtime_error("not measured: " + structure + ", " + library + ", " + variant);
}

double ratio(const series& above, const series& below) {
  std::vector<double> each;
  for (std::size_t i = 0; i < above.ops_per_second.size(); ++i) each.push_back(above.ops_per_second[i] / below.ops_per_second[i]);
  return study::median(each);
}

double best(const series& s) { return *std::max_element(s.ops_per_second.begin(), s.ops_per_second.end()); }

const char* verdict(bool good) { return good ? "ok" : "BEHIND"; }

void against_boost(const std::vector<series>& all, const std::string& structure, const std::string& boost_name, unsigned threads) {
  const series& pawl = find(all, structure, "pawl", "tagged_pool", threads);
  const series& boost = find(all, structure, "boost", boost_name, threads);
  const double times = ratio(pawl, boost);
  std::printf("%-6s %7u %9.0f %10.1f %10.1f %10.1f %10.1f %9.2f  %s\n", structure.c_str(), threads, study::median(pawl.handover),
              study::median(pawl.ops_per_second) / 1e6, study::median(boost.ops_per_second) / 1e6, best(pawl) / 1e6,
              best(boost) / 1e6, times, verdict(times > 1));
}

void against_cas(const std::vector<series>& all, const char* what, const series& measured, double operations, double cas_count,
                 double goal) {
  const series& cas = find(all, "atomic", "pawl", "CAS", 1);
  const double cost = operations * ratio(cas, measured) / cas_count;
  std::printf("%-42s %8.2f ns   CAS %6.2f ns   %5.2f of %g CAS, goal %.2f  %s\n", what,
              operations * 1e9 / study::median(measured.ops_per_second), 1e9 / study::median(cas.ops_per_second), cost, cas_count,
              goal, verdict(cost <= goal));
}

// Whether a failed attempt should be followed by a pause: each backoff against none, and none against itself, which says how much of a
// ratio is chance.
constexpr std::array backoffs{"no_backoff", "exponential_backoff", "yield_backoff"};
std::string with(const char* backoff) { return std::string("tagged_pool, ") + backoff; }

void against_no_backoff(const std::vector<series>& all, const std::string& structure, unsigned threads) {
  const series& none = find(all, structure, "pawl", with(backoffs[0]), threads);
  std::printf("%-6s %7u %9.0f %12.1f", structure.c_str(), threads, study::median(none.handover),
              study::median(none.ops_per_second) / 1e6);
  std::printf(" %12.2f", ratio(find(all, structure, "pawl", "tagged_pool", threads), none));
  for (const char* each : {backoffs[1], backoffs[2]})
    std::printf(" %12.2f", ratio(find(all, structure, "pawl", with(each), threads), none));
  std::printf("\n");
}

bool wanted(const study::point& p) {
  if (p.structure == "atomic") return p.library == "pawl" && (p.variant == "CAS" || p.variant == "hazard pointer");
  if (p.structure != "stack" && p.structure != "queue") return false;
  return p.workload == "push, pop" && (p.variant.starts_with("tagged_pool") || p.variant == "lockfree::" + p.structure);
}

}  // namespace

int main(int argc, char** argv) {
  unsigned repetitions = 31;
  unsigned milliseconds = 20;
  std::vector<unsigned> threads{1, 2, 4};
  CLI::App app("Measures pawl's promises about speed: against Boost.Lockfree, and in compare-and-swaps.");
  app.add_option("--repetitions", repetitions, "interleaved repetitions of each")
      ->check(CLI::Range(1U, 10000U))
      ->capture_default_str();
  app.add_option("--milliseconds", milliseconds, "length of one")->check(CLI::Range(1U, 10000U))->capture_default_str();
  app.add_option("--threads", threads, "numbers of threads")->delimiter(',')->check(CLI::Range(1U, 1024U))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    study::points all = study::all_points();
    std::erase_if(all, [](const study::point& p) { return !wanted(p); });
    for (study::point& each : all) each.share = 1;
    std::vector<series> laid_out = study::lay_out(all, threads);
    // The compare-and-swap and the guarded read are asked for alone.
    std::erase_if(laid_out, [](const series& s) { return s.what->structure == "atomic" && s.threads != 1; });
    study::progress_bar bar;
    study::run(laid_out, {.repetitions = repetitions, .length = std::chrono::milliseconds(milliseconds)},
               [&](std::size_t done, std::size_t of, const series& next) { bar(done, of, next.what->structure); });
    bar(1, 1, "");
    std::printf("push and pop, million operations/s  %10s %10s %10s %10s\n", "median", "median", "best", "best");
    std::printf("%-6s %7s %9s %10s %10s %10s %10s %9s\n", "", "threads", "hand-over", "pawl", "boost", "pawl", "boost", "ratio");
    for (const auto& [structure, name] : {std::pair{"stack", "lockfree::stack"}, {"queue", "lockfree::queue"}}) {
      for (const unsigned n : threads) against_boost(laid_out, structure, name, n);
    }
    std::printf("\nthe same by backoff, against no_backoff (the default: %s)\n",
                std::is_same_v<pawl::default_backoff, pawl::no_backoff> ? backoffs[0] : "another");
    std::printf("%-6s %7s %9s %12s %12s %12s %12s\n", "", "threads", "hand-over", "none, M/s", "default", "exponential", "yield");
    for (const char* structure : {"stack", "queue"}) {
      for (const unsigned n : threads) against_no_backoff(laid_out, structure, n);
    }
    if (std::find(threads.begin(), threads.end(), 1U) != threads.end()) {
      std::printf("\none thread\n");
      against_cas(laid_out, "stack: push and pop on the pool", find(laid_out, "stack", "pawl", "tagged_pool", 1), 2, 2, 1.5);
      against_cas(laid_out, "queue: push and pop on the pool (no goal)", find(laid_out, "queue", "pawl", "tagged_pool", 1), 2, 2,
                  9);
      against_cas(laid_out, "hazard pointer: protect, read, reset", find(laid_out, "atomic", "pawl", "hazard pointer", 1), 1, 1,
                  0.25);
    }
  } catch (const std::exception& error) {
    std::cerr << "bench_versus: " << error.what() << '\n';
    return 1;
  }
}
