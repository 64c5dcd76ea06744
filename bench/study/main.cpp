// SPDX-License-Identifier: BSL-1.0
// bench_study: measures everything and writes DIR/study.json. bench/study/run builds it, runs it and makes the page.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "machine.hpp"
#include "progress.hpp"
#include "result.hpp"
#include "session.hpp"

namespace {

using json = nlohmann::ordered_json;

struct options {
  bool quick = false;
  std::vector<unsigned> threads;
  double seconds = 0;
  unsigned repetitions = 0;
  std::string out = "build/study";
  std::string commit = "unknown";
  std::string only;
};

// 1, 2, 4 ... up to the processors, their number, and twice that.
std::vector<unsigned> default_threads() {
  const auto cpus = static_cast<unsigned>(study::processors().size());
  std::vector<unsigned> threads;
  for (unsigned n = 1; n < cpus; n *= 2) threads.push_back(n);
  threads.push_back(cpus);
  threads.push_back(2 * cpus);
  return threads;
}

// What a full or a quick run takes in all, in seconds, when it ends on a machine that has other things to do, and how often it measures
// each point. Many short repetitions say more than few long ones: what disturbs lasts for seconds.
struct plan {
  double budget;
  double limit;
  unsigned repetitions;
};
constexpr plan full_plan{15 * 60, 18 * 60, 25};
constexpr plan quick_plan{120, 160, 7};
// Beside the window itself: hand-over, threads, a map to fill.
constexpr double overhead = 0.004;
constexpr double shortest = 0.001;

std::chrono::nanoseconds nanoseconds(double seconds) { return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)); }

study::schedule schedule_of(const options& o, const std::vector<study::series>& all) {
  const plan& p = o.quick ? quick_plan : full_plan;
  study::schedule s;
  s.repetitions = o.repetitions != 0 ? o.repetitions : p.repetitions;
  double shares = 0;
  for (const study::series& one : all) shares += one.what->share;
  const double budget = p.budget / s.repetitions - static_cast<double>(all.size()) * overhead;
  const double each = o.seconds > 0 ? o.seconds / s.repetitions : budget / shares;
  s.length = nanoseconds(std::max(shortest, each));
  // Who names a time gets it.
  if (o.seconds == 0) s.limit = nanoseconds(p.limit);
  return s;
}

void write(const options& o, const study::schedule& s, const std::vector<study::series>& all) {
  json context = study::describe_machine();
  context["commit"] = o.commit;
  context["quick"] = o.quick;
  context["repetitions"] = all.front().ops_per_second.size();
  context["seconds_per_repetition"] = std::chrono::duration<double>(s.length).count();
  for (const study::series& each : all) {
    if (each.what->structure == "atomic") {
      context["seconds_per_repetition_of_atomics"] = std::chrono::duration<double>(s.length).count() * each.what->share;
      break;
    }
  }
  context["ns_per_op"] = "time that a thread spends per operation: threads / ops_per_second";
  json results = json::array();
  for (const study::series& each : all) results.push_back(study::result_of(each));
  std::filesystem::create_directories(o.out);
  const auto path = std::filesystem::path(o.out) / "study.json";
  std::ofstream file(path);
  file << json{{"context", context}, {"results", results}}.dump(1) << '\n';
  if (!file.flush()) throw std::runtime_error("can't write " + path.string());
}

void measure(const options& o) {
  study::points all = study::all_points();
  if (!o.only.empty()) {
    const std::regex wanted(o.only);
    std::erase_if(
        all, [&](const study::point& p) { return !std::regex_search(p.structure + "/" + p.library + "/" + p.workload, wanted); });
  }
  // Who names a time gets it.
  if (o.seconds > 0) {
    for (study::point& each : all) each.share = 1;
  }
  std::vector<study::series> series = study::lay_out(all, o.threads.empty() ? default_threads() : o.threads);
  if (series.empty()) throw std::runtime_error("nothing to measure");
  const study::schedule s = schedule_of(o, series);
  study::progress_bar bar;
  study::run(series, s, [&](std::size_t done, std::size_t of, const study::series& next) {
    bar(done, of,
        next.what->structure + ", " + next.what->workload + ", " + std::to_string(next.threads) +
            (next.threads == 1 ? " thread" : " threads"));
  });
  bar(series.size(), series.size(), "");
  write(o, s, series);
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app("Measures pawl, other libraries and the machine itself under contention; writes DIR/study.json.");
  app.add_flag("--quick", o.quick, "2 minutes instead of 15");
  app.add_option("--threads", o.threads, "numbers of threads, such as 1,2,4; default: up to twice the processors")
      ->delimiter(',')
      ->check(CLI::Range(1U, 1024U));
  app.add_option("--seconds", o.seconds, "time for each point, over all its repetitions")->check(CLI::PositiveNumber);
  app.add_option("--repetitions", o.repetitions, "how often each is measured; default: 25, or 7 where quick")
      ->check(CLI::Range(1U, 10000U));
  app.add_option("--out", o.out, "directory of the results")->capture_default_str();
  app.add_option("--commit", o.commit, "what was compiled, to be noted in the results");
  app.add_option("--only", o.only, "points whose structure/library/workload matches this regular expression");
  try {
    app.parse(argc, argv);
    std::sort(o.threads.begin(), o.threads.end());
    o.threads.erase(std::unique(o.threads.begin(), o.threads.end()), o.threads.end());
    measure(o);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::cerr << "bench_study: " << error.what() << '\n';
    return 1;
  }
}
