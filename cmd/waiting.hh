// Tells who waits for what: nothing at first, then rate-limited lines (protocol of patience: after one
// second, five, thirty, then every minute).
#pragma once

#include "util/time.hh"

#include <optional>
#include <string>

namespace redlock::cmd {

class Waiting {
  public:
    Waiting(std::string name, bool quiet) : name_(std::move(name)), quiet_(quiet) {}

    // An attempt failed at `now`; `reason` says who or what is in the way, without the lock's name.
    void failed(Instant now, const std::string &reason);

  private:
    std::string name_;
    bool quiet_;
    std::optional<Instant> since_;
    std::size_t told_ = 0;
};

} // namespace redlock::cmd
