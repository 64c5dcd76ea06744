// SPDX-License-Identifier: BSL-1.0
// Critical sections in signal handlers, wherever they interrupt their thread: also where it looks for its record in a domain, or gets one.
#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <ucontext.h>
#endif

#include <pawl/rcu.hpp>

#include "catch.hpp"

namespace {

using domain_type = pawl::epochs<>;

struct object : pawl::rcu_obj_base<object> {
  static constexpr int living = 0x600d;
  int life = living;
  ~object() { *const_cast<volatile int*>(&life) = 0; }
  [[nodiscard]] bool lives() const { return *const_cast<const volatile int*>(&life) == living; }
};

class handled {
 public:
  handled(int signal, void (*handler)(int, siginfo_t*, void*)) : signal_(signal) {
    struct sigaction action{};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    sigaction(signal_, &action, &before_);
  }
  handled(const handled&) = delete;
  handled& operator=(const handled&) = delete;
  ~handled() { sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_{};
};

// For the handler of the first test.
struct {
  domain_type* domain = nullptr;
  pawl::atomic<object*> shared{nullptr};
  std::atomic<int> ran{0};
  std::atomic<int> wrong{0};
} interruption;

void read_in_a_section() {
  interruption.domain->lock();
  if (!interruption.shared.load(std::memory_order_acquire)->lives()) ++interruption.wrong;
  interruption.domain->unlock();
}

}  // namespace

TEST_CASE("what a signal handler reads in a critical section is not freed, nor what the thread reads that it interrupts") {
  std::array<domain_type, 4> domains;
  interruption.domain = &domains[2];
  interruption.shared.store(new object);
  interruption.ran = 0;
  interruption.wrong = 0;
  const handled sigusr1(SIGUSR1, [](int, siginfo_t*, void*) {
    read_in_a_section();
    ++interruption.ran;
  });
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  std::atomic<bool> ready{false};
  std::atomic<bool> over{false};
  int wrong = 0;
  std::thread reader([&] {
    for (domain_type& each : domains) {
      each.lock();
      each.unlock();
    }
    ready = true;
    while (!over) {
      // Four domains, so that the two latest are always others; and now and then one more.
      for (domain_type& each : domains) {
        each.lock();
        if (&each == interruption.domain && !interruption.shared.load(std::memory_order_acquire)->lives()) ++wrong;
        each.unlock();
      }
      domain_type another;
      another.lock();
      another.unlock();
    }
  });
  while (!ready) std::this_thread::yield();
  std::thread writer([&] {
    while (!over) {
      interruption.shared.exchange(new object)->retire({}, domains[2]);
      domains[2].reclaim();
    }
  });
  for (int sent = 0; sent < 3000 && (sent < 10 || std::chrono::steady_clock::now() < enough); ++sent) {
    pthread_kill(reader.native_handle(), SIGUSR1);
    while (interruption.ran <= sent) std::this_thread::yield();
  }
  over = true;
  reader.join();
  writer.join();
  CHECK(wrong == 0);
  CHECK(interruption.wrong == 0);
  delete interruption.shared.load();
}

// Step by step. (Not under sanitizers: handlers of ThreadSanitizer's run later, not where the signal came, and AddressSanitizer has very
// many steps.)
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define PAWL_TESTS_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PAWL_TESTS_SANITIZED
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(PAWL_TESTS_SANITIZED)

namespace {

using record = pawl::detail::epoch_record<pawl::native>;
using records = pawl::environment<pawl::native>::per_thread<record>;

// What the calling thread's record in a domain is.
struct used_domain {
  domain_type* domain;
  records::key key;
  const record* mine;

  explicit used_domain(domain_type& d) : domain(&d), key(d.bind<int>().records) {
    d.unbind();
    d.lock();
    d.unlock();
    mine = records::find(key);
  }
  [[nodiscard]] bool in_section() const { return mine->pin.load(std::memory_order_relaxed) != mine->idle; }
  [[nodiscard]] bool is_found() const { return records::find(key) == mine && !in_section(); }  // not for handlers
};

constexpr long trap_flag = 0x100;
struct {
  const used_domain* used = nullptr;
  int steps_left = 0;
  bool came = false;
  bool right = true;
} step;

void at_a_step(int /*signal*/, siginfo_t* /*info*/, void* context) {
  if (step.steps_left-- > 0) return;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
  step.came = true;
  const bool was_in_one = step.used->in_section();
  step.used->domain->lock();
  step.right = step.used->in_section();
  step.used->domain->unlock();
  step.right = step.right && step.used->in_section() == was_in_one;
}

/// f(), after so many instructions of which a handler locks and unlocks the domain. False where f has not so many.
template <class F>
bool interrupted_after(int instructions, const used_domain& by, F f) {
  step = {&by, instructions, false, true};
  // (Below the red zone.)
  asm volatile("lea -128(%%rsp), %%rsp; pushfq; orq %0, (%%rsp); popfq; lea 128(%%rsp), %%rsp" : : "i"(trap_flag) : "memory", "cc");
  f();
  asm volatile("lea -128(%%rsp), %%rsp; pushfq; andq %0, (%%rsp); popfq; lea 128(%%rsp), %%rsp"
               :
               : "i"(~trap_flag)
               : "memory", "cc");
  return step.came;
}

}  // namespace

TEST_CASE("a signal handler may lock and unlock, at each instruction of its thread's section, a domain that the thread has used") {
  const handled sigtrap(SIGTRAP, at_a_step);
  std::vector<domain_type> domains(4);
  std::vector<used_domain> used(domains.begin(), domains.end());
  const std::size_t of_thread = GENERATE(0U, 1U, 2U, 3U);
  const std::size_t of_handler = GENERATE(0U, 1U, 2U, 3U);
  INFO("the thread's " << of_thread << ", the handler's " << of_handler);
  int steps = 0;
  bool right = true;
  for (;; ++steps) {
    for (const used_domain& each : used) right = records::find(each.key) == each.mine && right;  // so the latest are 3 and 2
    bool in_section = false;
    const bool came = interrupted_after(steps, used[of_handler], [&] {
      domains[of_thread].lock();
      in_section = used[of_thread].in_section();
      domains[of_thread].unlock();
      records::find(used[of_thread].key);  // as containers' operations do, which changes what is at hand
    });
    right = right && in_section && step.right;
    for (const used_domain& each : used) right = each.is_found() && right;
    if (!right || !came) break;
  }
  CHECK(right);
  CHECK(steps > 20);
}

TEST_CASE("a signal handler may lock and unlock a domain, anywhere while its thread gets a record in another one") {
  const handled sigtrap(SIGTRAP, at_a_step);
  std::vector<domain_type> domains(4);
  int steps = 0;
  bool right = true;
  // (Not at each instruction, which would take some seconds: what must not be seen half done are whole loops here.)
  for (bool came = true; right && came; steps += 13) {
    std::thread([&] {
      const std::vector<used_domain> used(domains.begin(), domains.end());
      domain_type fresh;  // one more than there is room for
      came = interrupted_after(steps, used[1], [&] { fresh.lock(); });
      right = step.right;
      fresh.unlock();
      for (const used_domain& each : used) right = each.is_found() && right;
    }).join();
  }
  CHECK(right);
  CHECK(steps > 200);
}

#endif
