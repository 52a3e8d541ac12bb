#include "event/poll_set.hh"

#include "event/clock.hh"
#include "util/error.hh"

#include <algorithm>
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
    if (deadline && *deadline <= now()) {
        // Already due: look at the descriptors without sleeping, so that neither side starves.
        if (::poll(fds_.data(), fds_.size(), 0) < 0 && errno != EINTR) throw_errno("wait for events");
        return;
    }
    if (deadline != armed_) {
        itimerspec setting{};
        if (deadline) {
            const Duration at = deadline->time_since_epoch();
            setting.it_value.tv_sec = std::chrono::duration_cast<seconds>(at).count();
            setting.it_value.tv_nsec = (at % seconds{1}).count();
        }
        if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr) < 0) throw_errno("set a timer");
        armed_ = deadline;
    }
    const std::size_t slot = add(timer_.get(), POLLIN);
    if (::poll(fds_.data(), fds_.size(), -1) < 0) {
        if (errno != EINTR) throw_errno("wait for events");
        for (pollfd &fd : fds_) fd.revents = 0;
    }
    // A timer that has fired is readable until it is set again: forget it, so that it is.
    if (fds_[slot].revents != 0) armed_ = distant_past;
    fds_.pop_back();
}

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
    if (!a) return b;
    if (!b) return a;
    return std::min(*a, *b);
}

} // namespace redlock::event
