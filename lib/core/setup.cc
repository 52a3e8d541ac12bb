#include "core/setup.hh"

#include "util/error.hh"

#include <algorithm>

namespace redlock::core {

namespace {

constexpr Duration one_look = milliseconds{500}; // between two looks at nodes that are waited for

} // namespace

bool looks_new(const Answers &answers) {
    std::size_t unused = 0;
    for (const auto &answer : answers) {
        if (!answer || answer->answer == Answer::silent) continue;
        if (answer->answer != Answer::error || (answer->quarantine && !answer->unused)) return false;
        unused += answer->unused ? 1 : 0;
    }
    return unused > 0;
}

Setup::Setup(Instant now, Plan plan)
    : plan_(std::move(plan)), questions_(plan_.nodes, plan_.node_timeout), inspection_(plan_), recording_(plan_),
      hold_(plan_) {
    check(plan_.nodes > 0, "there is something to set up");
    inspect(now);
}

// A step without a question is over at once.
void Setup::ask(Instant now, Step step, std::vector<Request> requests) {
    step_ = step;
    questions_.begin(now, requests);
    for (Request &request : requests) inspection_.address(request);
    requests_.insert(requests_.end(), requests.begin(), requests.end());
    if (requests.empty()) tick(now);
}

void Setup::inspect(Instant now) {
    std::vector<NodeIndex> all;
    for (NodeIndex node = 0; node < plan_.nodes; ++node) all.push_back(node);
    ask(now, Step::inspecting, Questions::to(all, Verb::inspect));
}

void Setup::on_reply(Instant now, const Reply &reply) {
    if (questions_.take(reply)) tick(now);
}

void Setup::tick(Instant now) {
    if (step_ == Step::waiting && now >= again_at_) return inspect(now);
    if (step_ == Step::waiting || step_ == Step::ended || !questions_.complete(now)) return;
    switch (step_) {
    case Step::inspecting: return inspected(now);
    case Step::recording: return follow(now, recording_.take(questions_.answers()));
    case Step::trusting: return trusted(now);
    case Step::holding: return follow(now, hold_.take(now, questions_.answers()));
    case Step::taking_back:
        recording_.taken_back(questions_.answers());
        return ask(now, Step::giving_free, hold_.end());
    case Step::giving_free: return ending_ == SetupEnding::none ? inspect(now) : end(ending_);
    case Step::waiting:
    case Step::ended: return;
    }
}

std::optional<Instant> Setup::deadline() const {
    if (step_ == Step::ended) return std::nullopt;
    return step_ == Step::waiting ? again_at_ : questions_.deadline();
}

void Setup::give_up(Instant now) {
    if (step_ == Step::ended) return;
    if (step_ == Step::taking_back || step_ == Step::giving_free) ending_ = SetupEnding::interrupted;
    else take_back(now, SetupEnding::interrupted);
}

void Setup::end(SetupEnding ending) {
    step_ = Step::ended;
    ending_ = ending;
}

void Setup::inspected(Instant now) {
    inspection_.take(questions_.answers());
    if (!inspection_.all_fit()) {
        const bool bearable = patience_.bears_outage(now);
        if (changed_ && plan_.wait && bearable) return wait_for(now, std::max(wait_until_ - now, one_look));
        return take_back(now, SetupEnding::unanswered);
    }
    patience_.outage_over();
    if (inspection_.any_repeated()) return take_back(now, SetupEnding::twice);
    if (hold_.watching()) return follow(now, hold_.watch(now, inspection_.states()));
    if (plan_.record.empty()) return look_at_quarantine(now);
    look_at_records(now);
}

// Protocol 11.2.
void Setup::look_at_records(Instant now) {
    const Inspection::Records found = inspection_.records();
    on_record_ = found.written;
    if (on_record_) return look_at_quarantine(now);
    if (!found.different || (plan_.reconfigure && !found.needs_hold)) return start_recording(now);
    if (!plan_.reconfigure) {
        if (found.for_good || !patience_.bears_record(now, found.lapse)) return end(SetupEnding::differs);
        return wait_for(now, found.lapse);
    }
    const Hold::Verdict verdict = hold_.begin(now, inspection_.in_order(), inspection_.states(), found.guard);
    wait_until_ = hold_.ends();
    follow(now, verdict);
}

// Protocol 11.3.
void Setup::look_at_quarantine(Instant now) {
    const Inspection::Quarantine found = inspection_.quarantine();
    if (found.on_hold > Duration{}) return wait_for(now, std::max(found.left, found.on_hold));
    if (found.nodes.empty()) return end(changed_ ? SetupEnding::done : SetupEnding::already);
    if (inspection_.used()) return wait_for(now, found.left);
    recorded_ = true;
    ask(now, Step::trusting, Questions::to(found.nodes, Verb::trust));
}

// Whatever the answers, the nodes are inspected again: a node that has been used or has restarted meanwhile is waited
// for then.
void Setup::trusted(Instant now) {
    changed_ = true;
    if (!patience_.bears_repetition()) return end(SetupEnding::unsettled);
    for (const auto &reply : questions_.answers())
        if (reply && reply->answer == Answer::refused && reply->refusal == Refusal::used) inspection_.note_use();
    if (inspection_.take_failure(questions_.answers())) return end(SetupEnding::unanswered);
    inspect(now);
}

void Setup::start_recording(Instant now) {
    const bool on_hold = hold_.watching();
    follow(now, recording_.begin(inspection_.in_order(), on_hold ? hold_.before() : inspection_.states(), on_hold));
}

void Setup::follow(Instant now, Recording::Verdict verdict) {
    switch (verdict) {
    case Recording::Verdict::open: return ask(now, Step::recording, recording_.question());
    case Recording::Verdict::changed: return again(now);
    case Recording::Verdict::differs:
    case Recording::Verdict::unanswered:
        inspection_.take_failure(questions_.answers());
        return take_back(now, verdict == Recording::Verdict::differs ? SetupEnding::differs : SetupEnding::unanswered);
    case Recording::Verdict::done: break;
    }
    changed_ = recorded_ = on_record_ = true;
    hold_.end(); // each node has ended it with the record
    inspect(now);
}

void Setup::follow(Instant now, Hold::Verdict verdict) {
    switch (verdict) {
    case Hold::Verdict::ask: return ask(now, Step::holding, hold_.questions());
    case Hold::Verdict::wait: return wait_for(now, hold_.ends() - now);
    case Hold::Verdict::over: return start_recording(now);
    case Hold::Verdict::held: return take_back(now, SetupEnding::held);
    case Hold::Verdict::on_hold: return take_back(now, SetupEnding::on_hold);
    case Hold::Verdict::changed: return again(now);
    case Hold::Verdict::unanswered:
        inspection_.take_failure(questions_.answers());
        return take_back(now, SetupEnding::unanswered);
    }
}

void Setup::wait_for(Instant now, Duration left) {
    wait_until_ = now + left;
    if (!plan_.wait) return end(SetupEnding::later);
    changed_ = true;
    step_ = Step::waiting;
    again_at_ = now + std::clamp(left, Duration{milliseconds{1}}, one_look);
}

void Setup::again(Instant now) {
    take_back(now, patience_.bears_repetition() ? SetupEnding::none : SetupEnding::unsettled);
}

void Setup::take_back(Instant now, SetupEnding ending) {
    ending_ = ending;
    ask(now, Step::taking_back, recording_.take_back());
}

} // namespace redlock::core
