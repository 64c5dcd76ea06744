// SPDX-License-Identifier: BSL-1.0
#include <mutex>

#include "containers.hpp"
#include "peers/locks.hpp"
#include "peers/pawl.hpp"
#if PAWL_PEER_BOOST
#include "peers/boost_lockfree.hpp"
#endif

namespace study {
namespace {

template <class Backoff>
using queue_with = peers::pawl_queue<pawl::tagged_pool<>, Backoff>;

// The same libraries, whatever the threads do: `run` makes a point's function from a container type.
template <class Run>
void add_workload(points& all, const char* workload, thread_range threads, Run run) {
  const auto add = [&]<class Queue>(const char* library, const char* variant, const char* guarantee) {
    all.push_back({"queue", library, variant, guarantee, workload, run.template operator()<Queue>(), threads});
  };
  constexpr auto unbounded = "lock-free, FIFO, unbounded";
  constexpr auto bounded = "lock-free, FIFO, bounded";
  constexpr auto blocking = "blocking, FIFO, unbounded";
  add_floors(all, "queue", workload, threads);
  add.template operator()<peers::pawl_queue<pawl::tagged_pool<>>>("pawl", "tagged_pool", unbounded);
#if PAWL_PEER_BOOST
  add.template operator()<peers::boost_queue>("boost", "lockfree::queue", unbounded);
#endif
  add.template operator()<peers::pawl_queue<pawl::hazard_pointers<>>>("pawl", "hazard_pointers", unbounded);
  add.template operator()<peers::pawl_queue<pawl::epochs<>>>("pawl", "epochs", unbounded);
  add.template operator()<peers::pawl_fixed_queue<capacity>>("pawl", "fixed tagged_pool", bounded);
#if PAWL_PEER_BOOST
  add.template operator()<peers::boost_fixed_queue<capacity>>("boost", "lockfree::queue, capacity", bounded);
#endif
  add.template operator()<peers::locked_queue<std::mutex>>("std", "std::queue, std::mutex", blocking);
  add.template operator()<peers::locked_queue<peers::spin_lock>>("std", "std::queue, spin lock", blocking);
}

}  // namespace

void add_queues(points& all) {
  add_workload(all, "push, pop", {}, []<class Queue> { return pairs<Queue>; });
  add_backoffs<queue_with>(all, "queue", "lock-free, FIFO, unbounded");
  add_workload(all, "1 producer, 1 consumer", {.fewest = 2, .most = 2},
               []<class Queue> { return one_producer_one_consumer<Queue>; });
}

}  // namespace study
