#include "event/poll_set.hh"

#include "util/error.hh"

#include <cerrno>
#include <sys/timerfd.h>

namespace redlock::event {

PollSet::PollSet() : timer_(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (!timer_) throw_errno("create a timer");
}

std::size_t PollSet::add(int fd, short events) {
    fds_.push_back({fd, events, 0});
    return fds_.size() - 1;
}

void PollSet::wait(std::optional<Instant> deadline) {
    itimerspec setting{}; // all zero: no alarm
    if (deadline) {
        // A moment that has passed wakes us at once.
        const Duration at = std::max(deadline->time_since_epoch(), Duration{1});
        setting.it_value.tv_sec = at / seconds{1};
        setting.it_value.tv_nsec = (at % seconds{1}).count();
    }
    if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr) < 0) throw_errno("set a timer");
    add(timer_.get(), POLLIN);
    if (::poll(fds_.data(), fds_.size(), -1) < 0) {
        if (errno != EINTR) throw_errno("wait for events");
        for (pollfd &fd : fds_) fd.revents = 0;
    }
    fds_.pop_back();
}

} // namespace redlock::event
