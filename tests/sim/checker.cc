#include "checker.hh"

#include <algorithm>
#include <charconv>

namespace redlock::sim {

Checker::Checker(World &world, const std::vector<std::unique_ptr<Node>> &nodes, Promise promise)
    : world_(world), nodes_(nodes), promise_(std::move(promise)), claims_(promise_.clients) {}

void Checker::broken(const std::string &what) {
    if (beyond_ == nullptr) throw Violation{what};
    world_.note([&] { return text("degradation after ", beyond_, ": ", what); });
    ++degradations_;
}

void Checker::beyond_model(const char *what) {
    world_.note([&] { return text("from here on outside the fault model: ", what); });
    if (beyond_ == nullptr) beyond_ = what;
}

std::size_t Checker::index_of(const std::string &token) {
    for (std::size_t i = tokens_.size(); i-- > 0;)
        if (tokens_[i].text == token) return i;
    tokens_.push_back({.text = token, .first = world_.now()});
    return tokens_.size() - 1;
}

// When fewer than a quorum will hold the token; nodes that lost their data since it was first used hold it for
// ever, as far as this promise goes.
Moment Checker::quorum_ends(const Token &token) const {
    std::array<Moment, most_nodes> ends{};
    std::size_t count = 0;
    for (const auto &node : nodes_) {
        const auto &lost = lost_data_at_[node->index()];
        const auto end = node->holds(promise_.key, token.text);
        ends[count++] = lost && *lost >= token.first ? never : end.value_or(Moment{});
    }
    std::sort(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(count), std::greater<>());
    return ends[promise_.quorum - 1];
}

void Checker::attempt(std::size_t client, const std::string &token) {
    claims_[client].token = token;
    claims_[client].index = index_of(token);
    claims_[client].validity = Moment{};
}

void Checker::claim(std::size_t client, const std::string &token, Moment validity, Moment needed_until) {
    Claim &claim = claims_[client];
    const Moment now = world_.now();
    if (validity <= now) throw Violation{text("client ", client, " relies on a lease that is over")};
    const bool fresh = claim.validity == Moment{} || claim.token != token;
    if (fresh) {
        claim.token = token;
        claim.index = index_of(token);
        world_.note([&] { return text("client ", client, " holds ", token, " until ", show(validity)); });
        if (validity < needed_until)
            throw Violation{text("client ", client, " won with too little of the lease ahead")};
    } else if (claim.validity <= now) {
        throw Violation{text("client ", client, ": a lost lease came back")};
    }
    const bool changed = fresh || !claim.live || claim.validity != validity;
    claim.live = true;
    if (!changed) return;
    claim.validity = validity;
    world_.note([&] { return text("client ", client, ": V is ", show(validity)); });
    judge(claim, client);
}

void Checker::heard(std::size_t client, const core::Reply &reply) {
    Claim &claim = claims_[client];
    // Who prolongs by hand hears of it when the program ends.
    if (reply.verb != core::Verb::extend || tokens_.empty() || tokens_[claim.index].watched) return;
    if (reply.answer == core::Answer::refused) claim.refused[reply.node] = true;
    if (reply.answer == core::Answer::granted) claim.refused[reply.node] = false;
    const auto refused = std::count(claim.refused.begin(), claim.refused.end(), true);
    const bool hopeless = static_cast<std::size_t>(refused) > nodes_.size() - promise_.quorum;
    if (!hopeless || !claim.command || claim.dead_by != never) return;
    claim.dead_by = world_.now() + promise_.margin;
    world_.at(claim.dead_by + Duration{1}, [this, client] { look_for_dead(client); });
}

void Checker::look_for_dead(std::size_t client) const {
    if (claims_[client].command && world_.now() > claims_[client].dead_by)
        throw Violation{text("client ", client, ": redlock knows that the lock is gone, and the command lives")};
}

void Checker::gave_up_lease(std::size_t client, Moment calm_since, Duration patience) {
    const Claim &claim = claims_[client];
    world_.note([&] { return text("client ", client, ": redlock says that the lease was lost"); });
    if (calm_since == never || world_.now() < calm_since + patience) return;
    std::size_t holding = 0;
    for (const auto &node : nodes_)
        if (node->holds(promise_.key, claim.token)) ++holding;
    if (holding < promise_.quorum) return;
    throw Violation{text("client ", client, " lost its lease for nothing: faults were over at ", show(calm_since))};
}

void Checker::unclaim(std::size_t client) { claims_[client].live = false; }

// Promise 2: V against the true state. A promise that was broken once is not counted again.
void Checker::judge(Claim &claim, std::size_t client) {
    if (!claim.live || claim.validity <= world_.now()) return;
    const Moment end = quorum_ends(tokens_[claim.index]);
    if (claim.validity <= end) return;
    claim.live = false;
    broken(text("client ", client, " relies on its lease until ", show(claim.validity), ", but its quorum ends at ",
                end == Moment{} ? std::string("once") : show(end)));
}

void Checker::prolonged_late(std::size_t client, const std::string &token) {
    const Token &record = tokens_[index_of(token)];
    if (record.lapsed && record.last_set <= record.lapse)
        broken(text("client ", client, ": a token that no quorum held any more came back from the dead"));
    claims_[client].validity = Moment{}; // a lease of its own
}

void Checker::command_started(std::size_t client, const std::string &token) {
    Claim &claim = claims_[client];
    world_.note([&] { return text("client ", client, ": command starts under ", token); });
    claim.command = true;
    claim.dead_by = never;
    claim.refused = {};
    claim.index = index_of(token);
    claim.guarded_until = quorum_ends(tokens_[claim.index]);
    for (std::size_t other = 0; other < claims_.size(); ++other)
        if (other != client && claims_[other].command)
            broken(text("the commands of clients ", other, " and ", client, " run at the same time"));
    if (claim.guarded_until <= world_.now()) broken(text("client ", client, " starts a command without a quorum"));
}

void Checker::command_ended(std::size_t client) {
    Claim &claim = claims_[client];
    if (!claim.command) return;
    world_.note([&] { return text("client ", client, ": command is dead"); });
    claim.command = false;
    if (world_.now() > claim.guarded_until)
        broken(text("client ", client, ": the command lived on when its quorum ended at ", show(claim.guarded_until)));
}

void Checker::executed(const Node &node, const core::Request &request, const core::Reply &reply) {
    if (reply.answer != core::Answer::granted) return;
    world_.note([&] {
        static constexpr const char *words[] = {"acquire", "extend", "release", "abandon", "status"};
        return text("  node ", node.index(), " has done: ", words[static_cast<int>(request.verb)], " ", request.token);
    });
    if (request.verb == core::Verb::acquire) tokens_[index_of(request.token)].last_set = world_.now();
    node_changed();
}

void Checker::node_changed() {
    const Moment now = world_.now();
    for (std::size_t client = 0; client < claims_.size(); ++client) {
        Claim &claim = claims_[client];
        if (claim.token.empty()) continue;
        if (claim.command) {
            if (now > claim.guarded_until && claim.guarded_until != Moment{})
                broken(text("client ", client, ": the command lives, but its quorum ended at ",
                            show(claim.guarded_until)));
            claim.guarded_until = quorum_ends(tokens_[claim.index]);
            if (claim.guarded_until <= now)
                broken(text("client ", client, ": the command lives, but its quorum is gone"));
        }
        judge(claim, client);
    }
    // A token that had a quorum has none any more.
    for (Token &token : tokens_) {
        if (!token.watched || token.lapsed) continue;
        const Moment end = quorum_ends(token);
        if (token.lapse != Moment{} && (end <= now || now > token.lapse)) {
            token.lapsed = true;
            token.lapse = std::min(now, token.lapse);
        } else if (end > now) {
            token.lapse = end;
        }
    }
}

void Checker::clock_set_back() {
    for (Token &token : tokens_) {
        if (quorum_ends(token) <= world_.now()) continue;
        token.lapsed = false;
        token.lapse = Moment{};
    }
    node_changed();
}

void Checker::lost_data(const Node &node) {
    if (!promise_.data_may_be_lost) lost_data_at_[node.index()] = world_.now();
    node_changed();
}

void Checker::nothing_left(std::size_t client, int first, int last, const std::string &kept, const Node &node) const {
    const std::string_view owner = node.owner(promise_.key);
    if (owner.empty() || owner == kept) return;
    // CLIENT.ATTEMPT
    std::size_t whose = 0;
    int attempt = 0;
    const auto dot = std::from_chars(owner.data(), owner.data() + owner.size(), whose).ptr;
    std::from_chars(dot + 1, owner.data() + owner.size(), attempt);
    if (whose == client && first <= attempt && attempt <= last)
        throw Violation{text("client ", client, " has ended and left ", owner, " on node ", node.index())};
}

void Checker::all_quiet(Moment bound) const {
    for (const auto &node : nodes_) {
        const auto end = node->end_of(promise_.key);
        if (end && *end > bound)
            throw Violation{text("node ", node->index(), " keeps ", node->owner(promise_.key), " until ",
                                 *end == never ? std::string("for ever") : show(*end))};
    }
}

} // namespace redlock::sim
