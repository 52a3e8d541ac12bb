// release: give back what acquire took.
#include "cmd/commands.hh"

#include "cmd/enclosing.hh"
#include "cmd/exit_code.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "core/forgotten.hh"
#include "util/text.hh"

namespace redlock::cmd {

int run_release(const Settings &settings, event::Signals &signals) {
    if (is_enclosing(settings.target, settings.target.token)) return refuse_enclosing(settings, signals);
    Pass pass(settings, signals);
    const core::Sweep sweep = pass.ask(core::Verb::release, settings.key());
    core::Answers answers = sweep.answers();
    if (sweep.granted() == 0)
        answers = core::without_forgotten(answers, pass.ask(core::Verb::inspect, "").answers(), settings.cluster.guard);
    pass.finish();

    Report report = report_on(settings.cluster, settings.target.name, answers);
    report.result = "released";
    int code = exit_code::success;
    const std::string name = printable(settings.target.name);
    if (core::heard(answers) < settings.cluster.quorum) {
        code = complain(settings, sweep, core::heard(answers),
                        sweep.answered() < settings.cluster.quorum
                            ? "may still be held; it ends by itself when its time to live is over"
                            : "is not held any more; nodes that have lost their data do not know who held it before",
                        report);
    } else if (sweep.granted() == 0) {
        code = exit_code::lost;
        report.result = "lost";
        if (sweep.not_ours() > 0)
            say("{} was not held with this token: somebody else holds the lock; this token's lease has ended, or it "
                "belongs to another lock\n{}",
                name, node_table(report.nodes));
        else
            say("{} was not held with this token: its lease has ended, it was released before, or it belongs to "
                "another lock",
                name);
    }
    if (settings.output.format == Format::json) print(json_text(report));
    return code;
}

} // namespace redlock::cmd
