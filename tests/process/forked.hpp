// SPDX-License-Identifier: BSL-1.0
// A part of a test in the child of a fork.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

/// How the child ended that ran f(): its exit status (f's value), or minus the signal. It has 20 seconds.
template <class F>
int in_forked_child(F f) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(f());
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1000;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
