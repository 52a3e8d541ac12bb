#include "cmd/waiting.hh"

#include "cmd/say.hh"
#include "config/duration.hh"

#include <array>

namespace redlock::cmd {

namespace {
constexpr std::array<Duration, 3> first_lines = {seconds{1}, seconds{5}, seconds{30}};
constexpr Duration then_every = seconds{60};
} // namespace

void Waiting::failed(Instant now, const std::string &reason) {
    if (quiet_) return;
    if (!since_) since_ = now;
    const Duration waited = now - *since_;
    const Duration due = told_ < first_lines.size()
                             ? first_lines[told_]
                             : then_every * static_cast<Duration::rep>(told_ - first_lines.size() + 1);
    if (waited < due) return;
    while (told_ < first_lines.size()
               ? first_lines[told_] <= waited
               : then_every * static_cast<Duration::rep>(told_ - first_lines.size() + 1) <= waited)
        ++told_;
    say("waiting for {} ({} so far): {}", name_, config::show_duration(waited), reason);
}

} // namespace redlock::cmd
