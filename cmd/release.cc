#include "cmd/commands.hh"

#include "cmd/exit_code.hh"
#include "cmd/lock_run.hh"
#include "cmd/say.hh"
#include "core/sweep.hh"
#include "event/clock.hh"
#include "util/text.hh"

#include <algorithm>

namespace redlock::cmd {

int run_release(const Settings &settings, event::Signals &signals) {
    redis::Nodes nodes(settings.nodes);
    core::Sweep::Plan plan;
    plan.verb = core::Verb::release;
    plan.key = settings.key;
    plan.token = settings.token;
    plan.ask.assign(nodes.size(), true);
    plan.await.assign(nodes.size(), true);
    plan.quorum = settings.quorum;
    plan.node_timeout = settings.timing.node_timeout;
    plan.first = 1;
    core::Sweep sweep(event::now(), std::move(plan));
    session::Pump pump(sweep, nodes);
    event::PollSet poll;
    pump.send();
    int death = 0;
    while (!sweep.done()) {
        poll.clear();
        signals.watch(poll);
        pump.watch(poll);
        poll.wait(pump.deadline());
        pump.handle(poll);
        // The pass is bounded and half of it helps nobody: finish it, then go.
        for (const int signal : signals.take(poll)) {
            if (event::default_action(signal) == event::DefaultAction::terminate && death == 0) death = signal;
        }
    }
    nodes.finish();
    if (death != 0) event::die_of(death);

    const std::string name = printable(settings.name);
    const auto denied = std::count_if(sweep.answers().begin(), sweep.answers().end(), [](const auto &answer) {
        return answer && answer->answer == core::Answer::error && answer->trouble == core::Trouble::access;
    });
    if (static_cast<std::size_t>(denied) > nodes.size() - settings.quorum) {
        say("the nodes refuse our credentials, so {} cannot be released\n{}", name,
            answer_table(nodes, sweep.answers()));
        return exit_code::access;
    }
    if (sweep.answered() < settings.quorum) {
        say("{} may still be held: {} of {} nodes answered, {} are needed; it ends by itself when its time "
            "to "
            "live is over\n{}",
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
