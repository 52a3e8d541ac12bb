// One turn of the loop: everybody adds the descriptors that they care about, wait() sleeps until one is
// ready or a deadline has come, then everybody looks at theirs. The set is filled anew for every turn, so
// nothing is ever called back and nothing can be freed inside a callback.
// One thread; the set owns its timer and nothing else.
#pragma once

#include "util/fd.hh"
#include "util/time.hh"

#include <cstddef>
#include <optional>
#include <poll.h>
#include <vector>

namespace redlock::event {

class PollSet {
  public:
    // Throws SystemError when the kernel has no timer for us.
    PollSet();

    // Forgets all descriptors; the start of a turn.
    void clear() { fds_.clear(); }

    // Adds a borrowed descriptor with poll(2) event bits; returns the slot to ask ready() with.
    std::size_t add(int fd, short events);

    // Waits until a descriptor is ready, `deadline` has passed, or a signal handler ran. The timer runs
    // on CLOCK_BOOTTIME and never fires early: after a suspend it fires at once. nullopt: no deadline.
    void wait(std::optional<Instant> deadline);

    // The poll(2) result bits of a slot of this turn; 0 before wait().
    [[nodiscard]] short ready(std::size_t slot) const { return fds_[slot].revents; }

  private:
    std::vector<pollfd> fds_;
    UniqueFd timer_;
};

} // namespace redlock::event
