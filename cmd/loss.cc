#include "cmd/loss.hh"

#include "cmd/signal_name.hh"
#include "config/duration.hh"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>

namespace redlock::cmd {

std::string why_lost(const Loss &loss) {
    const std::string_view not_renewed = "it could not be renewed in time";
    if (loss.overslept > loss.tolerance) {
        const std::string stall =
            fmt::format("redlock or the machine stood still for {}", config::show_duration(loss.overslept));
        return loss.failing ? fmt::format("{}, and {}", not_renewed, stall) : stall + ", too long for its lease";
    }
    if (loss.outcome == core::Outcome::won && !loss.counted)
        return "too few of the answers counted, for a clock was set or a server is listed twice";
    return std::string(loss.proven == core::Outcome::lost ? "too few nodes still held it" : not_renewed);
}

std::string how_it_ended(std::optional<process::Status> status, const std::vector<int> &sent, bool overdue) {
    if (!status) return "could not be executed";
    const std::string end = status->exited() ? fmt::format("ended with code {}", status->exit_code())
                                             : fmt::format("died of {}", signal_name(status->term_signal()));
    if (overdue) return "could not be killed in time, and then " + end;
    if (sent.empty()) return end + " before redlock could end it";
    if (status->killed() && std::find(sent.begin(), sent.end(), status->term_signal()) != sent.end())
        return fmt::format("was ended by {}", signal_name(status->term_signal()));
    return fmt::format("was sent {}, and {}", signal_name(sent.back()), end);
}

} // namespace redlock::cmd
