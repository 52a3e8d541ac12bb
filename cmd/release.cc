#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/lock_run.hh"
#include "cmd/say.hh"
#include "core/sweep.hh"
#include "event/clock.hh"
#include "util/text.hh"

#include <algorithm>

namespace redlock::cmd {

namespace {
// More than could be missing from a quorum: only a person can mend that.
bool denied(const std::vector<std::optional<core::Reply>> &answers, std::size_t quorum) {
    const auto count = std::count_if(answers.begin(), answers.end(), [](const auto &answer) {
        return answer && answer->answer == core::Answer::error && answer->trouble == core::Trouble::access;
    });
    return static_cast<std::size_t>(count) > answers.size() - quorum;
}
} // namespace

int run_release(const Settings &settings, event::Signals &signals) {
    redis::Nodes nodes(settings.nodes);
    const std::vector<bool> all(nodes.size(), true);
    core::Sweep sweep(event::now(), {.verb = core::Verb::release,
                                     .key = settings.key,
                                     .token = settings.token,
                                     .ask = all,
                                     .await = all,
                                     .quorum = settings.quorum,
                                     .node_timeout = settings.timing.node_timeout,
                                     .first = 1});
    session::Pump pump(sweep, nodes, signals);
    pump.send();
    int death = 0;
    // The pass is bounded and half of it helps nobody: finish it, then go.
    while (!sweep.done()) note_signals(pump.turn(), death);
    nodes.finish();
    if (death != 0) event::die_of(death);

    const std::string name = printable(settings.name);
    if (denied(sweep.answers(), settings.quorum)) {
        say("the nodes refuse our credentials, so {} cannot be released\n{}", name,
            answer_table(nodes, sweep.answers()));
        return exit_code::access;
    }
    if (sweep.answered() < settings.quorum) {
        say("{} may still be held: {} of {} nodes answered, {} are needed; it ends by itself when its time "
            "to live is over\n{}",
            name, sweep.answered(), nodes.size(), settings.quorum, answer_table(nodes, sweep.answers()));
        return exit_code::unreachable;
    }
    if (sweep.deleted() > 0) return exit_code::success;
    if (sweep.not_ours() > 0) {
        say("{} was not yours any more: this token's lease has ended and somebody else holds the lock\n{}", name,
            answer_table(nodes, sweep.answers()));
    } else {
        say("{} was not held: this token's lease has ended, or it was released before", name);
    }
    return exit_code::lost;
}

} // namespace redlock::cmd
