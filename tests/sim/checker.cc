#include "checker.hh"

#include "redis/verbs.hh"

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
    Claim &claim = claims_[client];
    claim.token = token;
    claim.index = index_of(token);
    claim.validity = Moment{};
    claim.begins = 0;
    claim.ends = {};
    claim.shown = {};
    tokens_[claim.index].after = highest_won_;
}

void Checker::won(std::size_t client, const std::string &token, core::Fence fence) {
    world_.note([&] { return text("client ", client, " has won ", token, " with fence ", fence); });
    tokens_[index_of(token)].fence = fence;
    const core::Fence after = tokens_[index_of(token)].after;
    if (std::find(won_.begin(), won_.end(), fence) != won_.end()) {
        fence_broken(text("client ", client, " has won with fence ", fence, ", which was won before"));
    } else if (fence <= after) {
        fence_broken(
            text("client ", client, " has won with fence ", fence, ", but ", after, " was won before it began"));
    }
    // Not always: who was granted a node whose key then ends may still win, without it, when another had it meanwhile.
    if (fence < highest_won_ && !beyond_)
        fence_broken(text("client ", client, " has won with fence ", fence, " after ", highest_won_));
    won_.push_back(fence);
    highest_won_ = std::max(highest_won_, fence);
}

void Checker::fence_broken(const std::string &what) {
    const auto forgot = std::count(forgot_fences_.begin(), forgot_fences_.end(), true);
    const bool promised =
        wiped_ ? clocks_agree_ && forgot == 0 : static_cast<std::size_t>(forgot) < 2 * promise_.quorum - nodes_.size();
    if (promised || promise_.fences_outlive_data) throw Violation{what};
    world_.note([&] { return "degradation: " + what; });
    ++degradations_;
}

void Checker::contest_is_over() const {
    if (won_.empty()) throw Violation{"nobody holds the lock, long after all have begun"};
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
    Token &record = tokens_[claim.index];
    record.validity = std::max(record.validity, validity);
    auto ends = claim.ends;
    std::sort(ends.begin(), ends.end(), std::greater<>());
    if (!record.watched && validity > ends[promise_.quorum - 1])
        throw Violation{text("client ", client, " counts nodes that have granted nothing")};
    const bool changed = fresh || !claim.live || claim.validity != validity;
    claim.live = true;
    if (!changed) return;
    claim.validity = validity;
    world_.note([&] { return text("client ", client, ": V is ", show(validity)); });
    judge(claim, client);
}

void Checker::asked(std::size_t client, const core::Request &request) {
    if (redis::row_of(request.verb).keys == redis::Keys::marker) return;
    Claim &claim = claims_[client];
    if (request.verb == core::Verb::acquire && claim.begins == 0) claim.begins = request.serial;
    const core::Fence won = tokens_[index_of(request.token)].fence;
    const bool tells = request.verb == core::Verb::extend || request.verb == core::Verb::release;
    if (tells && request.fence != 0 && won != 0 && request.fence != won)
        throw Violation{text("client ", client, " has won with fence ", won, " and now says ", request.fence)};
}

// Promise 16.
void Checker::judge_fence(const Node &node, const core::Request &request, const core::Reply &reply) const {
    const core::Fence before = node.fence_before(), after = node.fence();
    if (before == after) return;
    const bool drawn = request.verb == core::Verb::acquire && reply.answer == core::Answer::granted &&
                       (node.holder_before() != request.token || before == 0);
    const core::Fence ahead = static_cast<core::Fence>(node.time()) + 10'000'000;
    core::Fence most = request.verb == core::Verb::acquire ? 0 : request.fence;
    if (drawn) most = stepped_back_[node.index()] ? after : std::max(before + 1, ahead);
    if (before < after && after <= most) return;
    throw Violation{text("node ", node.index(), " goes from fence ", before, " to ", after, ", and has done: ",
                         redis::row_of(request.verb).name, " with ", request.fence, ", at ", node.time())};
}

// Its clock has gone on between two readings by more than the time between them can be, the slack, and the 2 ms that a
// lease has besides. A client whose own clock runs at another rate cannot be as sure as we are.
bool Checker::set_forward(Claim &claim, const core::Reply &reply, Moment sent) const {
    if (!reply.node_time || sent == Moment{}) return false;
    const auto before = std::exchange(claim.shown[reply.node], std::pair(*reply.node_time, sent));
    if (!before) return false;
    const Duration gone_on = std::chrono::microseconds{*reply.node_time - before->first - 1};
    const auto most = static_cast<double>((world_.now() - before->second).count()) * (1 + 2 * promise_.drift);
    return gone_on > Duration{static_cast<Duration::rep>(most)} + promise_.slack + milliseconds{2};
}

void Checker::heard(std::size_t client, const core::Reply &reply, Moment sent) {
    using core::Verb;
    Claim &claim = claims_[client];
    const bool about_key = reply.verb == Verb::acquire || reply.verb == Verb::confirm || reply.verb == Verb::extend;
    // What was ours there until it lost its data cannot have become anybody else's.
    const bool quarantined = reply.verb == Verb::extend && reply.quarantine && !reply.others;
    if (about_key && claim.begins != 0 && reply.serial >= claim.begins) {
        Moment &end = claim.ends[reply.node];
        if (reply.answer == core::Answer::refused && !quarantined) end = Moment{};
        const bool set =
            reply.answer == core::Answer::granted || reply.answer == core::Answer::error || is_set_anew(reply);
        const bool counts = quarantined ? set && end > world_.now() : reply.answer == core::Answer::granted;
        if (counts && reply.verb != Verb::confirm) end = std::max(end, sent + promise_.ttl);
        if (set_forward(claim, reply, sent)) end = Moment{};
    }
    // Who prolongs by hand hears of it when the program ends.
    if (reply.verb != core::Verb::extend || tokens_.empty() || tokens_[claim.index].watched) return;
    if (reply.answer == core::Answer::refused && !quarantined) claim.refused[reply.node] = true;
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
    if (promise_.first_survives && client == 0)
        throw Violation{"a lease was lost because all nodes lost their data, and had no vote for anybody else"};
    if (calm_since == never || world_.now() < calm_since + patience) return;
    std::size_t holding = 0;
    for (const auto &node : nodes_)
        if (node->holds(promise_.key, claim.token) && !claim.refused[node->index()]) ++holding; // not those set anew
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
    judge_fence(node, request, reply);
    if (redis::row_of(request.verb).keys == redis::Keys::marker) return;
    const bool anew = is_set_anew(reply);
    const bool in_quarantine = request.verb == core::Verb::extend && reply.quarantine; // and prolonged all the same
    if (reply.answer != core::Answer::granted && !anew && !in_quarantine) return;
    world_.note([&] {
        return text("  node ", node.index(), " has done: ", redis::row_of(request.verb).name, " ", request.token,
                    anew ? ", anew" : "", ", fence ", reply.fence);
    });
    if (anew && world_.now() >= tokens_[index_of(request.token)].validity && !stepped_back_[node.index()])
        throw Violation{text("node ", node.index(), " sets ", request.token, " anew, and the lease is over")};
    if (request.verb == core::Verb::confirm) return;
    if (request.verb == core::Verb::acquire) tokens_[index_of(request.token)].last_set = world_.now();
    node_changed();
}

bool Checker::somebody_holds() const {
    const Moment now = world_.now();
    const auto relied_upon = [](const Claim &claim) { return claim.live || claim.command; };
    // A client that a node has granted may find out at any moment that it has won.
    const auto may_win = [&](const Token &token) {
        return token.validity > now || (token.last_set != Moment{} && token.last_set + 2 * promise_.ttl > now);
    };
    return std::any_of(claims_.begin(), claims_.end(), relied_upon) ||
           std::any_of(tokens_.begin(), tokens_.end(), may_win);
}

void Checker::set_up(SetupView &view, const Node &node, const core::Request &request, const core::Reply &reply) {
    if (reply.answer != core::Answer::granted) return;
    if (request.verb == core::Verb::inspect) {
        view.looks[node.index()] = {.used = node.used(), .held = somebody_holds()};
        return;
    }
    if (request.verb != core::Verb::trust) return;
    world_.note([&] { return text("  node ", node.index(), ": init ends its quarantine"); });
    const auto had = [&](bool SetupView::Look::*what) {
        return std::any_of(view.looks.begin(), view.looks.end(), [&](const auto &look) { return look && *look.*what; });
    };
    if (had(&SetupView::Look::held) && !had(&SetupView::Look::used))
        beyond_model("init found no trace of the lock on any node");
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

void Checker::lost_data(const Node &node, bool fences) {
    if (fences) forgot_fences_[node.index()] = true;
    if (!promise_.data_may_be_lost) lost_data_at_[node.index()] = world_.now();
    node_changed();
}

void Checker::nothing_left(std::size_t client, int first, int last, const std::string &kept, const Node &node) const {
    const std::string_view owner = node.owner(promise_.key);
    if (owner.empty() || owner == kept || took_data_[node.index()]) return;
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
