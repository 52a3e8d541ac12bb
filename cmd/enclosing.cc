#include "cmd/enclosing.hh"

#include "cmd/exit_code.hh"
#include "cmd/pass.hh"
#include "cmd/report.hh"
#include "cmd/say.hh"
#include "core/token.hh"
#include "util/text.hh"

#include <algorithm>
#include <string>

namespace redlock::cmd {

bool is_enclosing(const Target &target, std::string_view token) {
    const std::string random(token.substr(0, core::random_digits));
    if (random.size() < core::random_digits) return false;
    return (target.held + ' ').find(':' + random + ' ') != std::string::npos;
}

bool encloses(const Target &target) {
    std::string name = " ";
    for (const char c : target.name) name += percent_encode(c);
    return (' ' + target.held).find(name + ':') != std::string::npos;
}

std::string_view why_not_inside(Command command) {
    return command == Command::extend
               ? "need not be extended: that redlock renews it as long as its command runs"
               : "cannot be released here: that redlock gives it back when its command ends, and the command must not "
                 "run without it";
}

int refuse_enclosing(const Settings &settings, event::Signals &signals) {
    Pass pass(settings, signals);
    const core::Sweep sweep = pass.ask(core::Verb::status, settings.key());
    pass.finish();

    Report report = report_on(settings.cluster, settings.target.name, sweep.answers());
    const std::string name = printable(settings.target.name);
    int code = exit_code::usage;
    // One node is enough: a job whose lock is in danger may be about to set it anew on the others.
    const bool held = std::any_of(report.nodes.begin(), report.nodes.end(), [&](const Report::Node &node) {
        return node.reply && node.reply->holder == settings.target.token;
    });
    if (held) {
        report.result = "refused";
        say("{} is held by the 'redlock exec' that this command runs under (REDLOCK_HELD), so it {}", name,
            why_not_inside(settings.command));
    } else if (sweep.answered() >= settings.cluster.quorum) {
        code = exit_code::lost;
        report.result = "lost";
        say("{} is not held any more: this token is that of a 'redlock exec' whose lease has ended, or whose command "
            "has\n{}",
            name, node_table(report.nodes));
    } else {
        report.result = sweep.denied() ? "denied" : "unreachable";
        code = sweep.denied() ? code_when_denied(sweep) : exit_code::unreachable;
        say("{} was left as it is: this token is that of a 'redlock exec' around this command (REDLOCK_HELD), and too "
            "few nodes say whether that still holds the lock: {} of {}, {} are needed\n{}",
            name, sweep.answered(), settings.cluster.nodes.size(), settings.cluster.quorum, node_table(report.nodes));
    }
    if (settings.output.format == Format::json) print(json_text(report));
    return code;
}

} // namespace redlock::cmd
