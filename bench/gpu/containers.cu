// SPDX-License-Identifier: BSL-1.0
// Stack and queue: each thread pushes and pops in turn, of 32 threads, 256, 2,048 and so on. As floor, what no container whose threads all
// meet at a word gets below: an addition to one word for each push and each pop, or a compare-and-swap loop.
//
// Every run is checked: no pop finds the container empty, the sum of all that was popped, and nothing is left.
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include "contenders.hpp"
#include "on_device.hpp"

namespace {

using word = gpu::by_cuda<unsigned, pawl::scope::device, std::memory_order_relaxed>;

struct totals {
  unsigned long long popped;
  unsigned long long refused;
};

template <class Container>
struct pushes_and_pops {
  Container* to;
  __device__ bool push(unsigned v) const { return to->try_push(v); }
  __device__ bool pop(unsigned& v) const { return to->try_pop(v); }
  __device__ bool is_empty() const { return to->empty(); }
};
// A counter for a container: as many values as were pushed and not popped. Values pass by.
struct additions {
  unsigned* counter;
  __device__ bool push(unsigned v) const { return word(*counter).fetch_add(1) + v != ~0U; }
  __device__ bool pop(unsigned& v) const { return word(*counter).fetch_add(~0U) + v != ~0U; }
  __device__ bool is_empty() const { return *counter == 0; }
};
struct cas_loops {
  unsigned* counter;
  __device__ bool change(unsigned by) const {
    unsigned old = word(*counter).load();
    while (!word(*counter).compare_exchange(old, old + by)) {
    }
    return true;
  }
  __device__ bool push(unsigned) const { return change(1); }
  __device__ bool pop(unsigned&) const { return change(~0U); }
  __device__ bool is_empty() const { return *counter == 0; }
};

template <class Container>
__global__ void in_turn(Container in, unsigned rounds, totals* of) {
  unsigned long long sum = 0;
  unsigned refused = 0;
  for (unsigned i = 0; i < rounds; ++i) {
    if (!in.push(gpu::number() + i)) ++refused;
    unsigned value = gpu::number() + i;
    if (!in.pop(value)) ++refused;
    sum += value;
  }
  atomicAdd(&of->popped, sum);
  if (refused != 0) atomicAdd(&of->refused, static_cast<unsigned long long>(refused));
}
template <class Container>
__global__ void look(Container in, totals* of) {
  if (!in.is_empty()) atomicAdd(&of->refused, 1ULL);
}

// One container, with more and more threads.
template <class Container>
class measured {
 public:
  measured(gpu::study& in, const char* what, const char* who, Container container)
      : in_(in),
        what_(gpu::row().with("study", "containers").with("container", what).with("by", who)),
        container_(container),
        of_(in, 1) {}

  void with(unsigned threads) {
    const gpu::row what = what_.with("threads", std::uint64_t{threads});
    const double growth = threads / last_threads_;
    if (!in_.may_try(last_time_, growth * growth)) {
      in_.skip(what, "with fewer threads it took too long for that");
      return;
    }
    const unsigned of_block = std::min(threads, 256U);
    const std::uint64_t n = threads;
    unsigned used = 1;
    const double took = in_.measure(
        what, 2.0 * threads, static_cast<unsigned>(in_.value("rounds")), [&](unsigned) { of_.clear(); },
        [&](unsigned rounds) {
          used = rounds;
          in_turn<<<threads / of_block, of_block>>>(container_, rounds, of_.data());
        },
        [&](unsigned rounds) -> std::string {
          look<<<1, 1>>>(container_, of_.data());
          in_.launched();
          in_.wait();
          const totals is = of_.copy()[0];
          const std::uint64_t wanted = n * (n - 1) / 2 * rounds + n * (std::uint64_t{rounds} * (rounds - 1) / 2);
          if (is.refused != 0) return std::to_string(is.refused) + " refused, or something left";
          return is.popped == wanted ? "" : "popped a sum of " + std::to_string(is.popped) + ", not " + std::to_string(wanted);
        });
    last_time_ = took / used;
    last_threads_ = threads;
  }

 private:
  gpu::study& in_;
  gpu::row what_;
  Container container_;
  gpu::memory<totals> of_;
  double last_time_ = 0;
  double last_threads_ = 1;
};

template <class Container>
gpu::on_device<Container> made(gpu::study& in) {
  const auto capacity = static_cast<unsigned>(in.value("threads"));
  return gpu::on_device<Container>(in, capacity, std::size_t{32} * (capacity + gpu::pool::max_queues + 1));
}

}  // namespace

int main(int count, char** arguments) {
  gpu::study in("containers", count, arguments, {{"threads", std::uint64_t{1} << 18U}, {"rounds", 1024}});
  using stack = pawl::stack<unsigned, gpu::pool>;
  using queue = pawl::queue<unsigned, gpu::pool>;
  const gpu::on_device<stack> a_stack = made<stack>(in);
  const gpu::on_device<queue> a_queue = made<queue>(in);
  const gpu::memory<unsigned> counter(in, 1);
  measured of_stack(in, "stack", "pawl", pushes_and_pops<stack>{a_stack.ref()});
  measured of_queue(in, "queue", "pawl", pushes_and_pops<queue>{a_queue.ref()});
  measured by_additions(in, "one word", "cuda, additions", additions{counter.data()});
  measured by_loops(in, "one word", "cuda, compare-and-swap loops", cas_loops{counter.data()});
  // The fewest first: should many take forever, the others are measured.
  for (unsigned threads = 32; threads <= in.value("threads"); threads *= 8) {
    by_additions.with(threads);
    by_loops.with(threads);
    of_stack.with(threads);
    of_queue.with(threads);
  }
  return in.finish();
}
