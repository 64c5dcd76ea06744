// SPDX-License-Identifier: BSL-1.0
// bench_reclamation: pawl's domains beside those of other libraries, in one run; writes DIR/reclamation.json. `./dev reclamation` builds it,
// runs it and draws the picture.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "entry.hpp"
#include "study/machine.hpp"
#include "study/progress.hpp"
#include "study/result.hpp"
#include "study/session.hpp"

namespace {

using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

struct options {
  bool quick = false;
  std::vector<unsigned> threads{1, 2, 4};
  std::string out = "build/reclamation";
  std::string commit = "unknown";
};

std::vector<reclamation::entry> all_schemes() {
  std::vector<reclamation::entry> all;
  reclamation::add_pawl(all);
#if PAWL_PEER_CDS
  reclamation::add_cds(all);
#endif
#if PAWL_PEER_XENIUM
  reclamation::add_xenium(all);
#endif
#if PAWL_PEER_URCU
  reclamation::add_urcu_memb(all);
  reclamation::add_urcu_qsbr(all);
#endif
  return all;
}

study::points all_points(const std::vector<reclamation::entry>& schemes) {
  using reclamation::entry;
  study::points all;
  const auto add = [&](const char* workload, auto member) {
    for (const entry& each : schemes) {
      if (each.*member) all.push_back({"reclamation", each.library, each.variant, each.guarantee, workload, each.*member});
    }
  };
  add("read", &entry::reads);
  add("1% updates", &entry::reads_mostly);
  add("50% updates", &entry::updates_half);
  add("new, retire", &entry::retires);
  return all;
}

json garbage_of_all(const options& o, const std::vector<reclamation::entry>& schemes) {
  const milliseconds length(o.quick ? 50 : 400);
  constexpr double updates_per_millisecond = 1000;
  json all = json::array();
  for (const reclamation::entry& each : schemes) {
    if (!each.piles_up) continue;
    for (const unsigned threads : o.threads) {
      for (const bool stalled : {false, true}) {
        const reclamation::garbage found = each.piles_up(length, threads, updates_per_millisecond, stalled);
        const std::int64_t peak = *std::max_element(found.objects.begin(), found.objects.end());
        all.push_back({{"library", each.library},
                       {"variant", each.variant},
                       {"guarantee", each.guarantee},
                       {"threads", threads},
                       {"stalled_reader", stalled},
                       {"updates_per_ms", updates_per_millisecond},
                       {"bytes_each", each.bytes},
                       {"peak_objects", peak},
                       {"peak_bytes", peak * static_cast<std::int64_t>(each.bytes)},
                       {"ms", found.milliseconds},
                       {"objects", found.objects}});
      }
    }
  }
  return all;
}

void measure(const options& o) {
  const std::vector<reclamation::entry> schemes = all_schemes();
  const study::points all = all_points(schemes);
  // First, while this thread takes part in no scheme: it would count as a reader of those of which every thread has to say that it isn't one.
  const json garbage = garbage_of_all(o, schemes);
  std::vector<study::series> series = study::lay_out(all, o.threads);
  study::schedule s;
  s.repetitions = o.quick ? 3 : 15;
  s.length = milliseconds(o.quick ? 5 : 25);
  study::progress_bar bar;
  study::run(series, s, [&](std::size_t done, std::size_t of, const study::series& next) {
    bar(done, of, next.what->library + ", " + next.what->variant + ", " + next.what->workload);
  });
  bar(series.size(), series.size(), "");
  json context = study::describe_machine();
  context["commit"] = o.commit;
  context["quick"] = o.quick;
  json results = json::array();
  for (const study::series& each : series) results.push_back(study::result_of(each));
  std::filesystem::create_directories(o.out);
  const auto path = std::filesystem::path(o.out) / "reclamation.json";
  std::ofstream file(path);
  file << json{{"context", context}, {"results", results}, {"garbage", garbage}}.dump(1) << '\n';
  if (!file.flush()) throw std::runtime_error("can't write " + path.string());
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app("Measures pawl's reclamation beside other libraries'; writes DIR/reclamation.json.");
  app.add_flag("--quick", o.quick, "some seconds instead of some minutes");
  app.add_option("--threads", o.threads, "numbers of threads")->delimiter(',')->check(CLI::Range(1U, 32U))->capture_default_str();
  app.add_option("--out", o.out, "directory of the results")->capture_default_str();
  app.add_option("--commit", o.commit, "what was compiled, to be noted in the results");
  try {
    app.parse(argc, argv);
    measure(o);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::cerr << "bench_reclamation: " << error.what() << '\n';
    return 1;
  }
}
