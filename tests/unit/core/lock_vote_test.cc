// One attempt, played with every assignment of answers, beside a model of what protocol 4.3 says about it: few nodes in
// every order, five nodes in orders that are drawn.
#include "driver.hh"

#include <algorithm>
#include <random>

namespace redlock::core {
namespace {

// What a node does. `unsent`: no byte of the request left. `late`: silent first, and then that.
enum class Kind { granted, refused, error, silent, error_unsent, silent_unsent, late_granted, late_refused };

Answer answer_of(Kind kind, bool again) {
    if (again) return kind == Kind::late_granted ? Answer::granted : Answer::refused;
    if (kind == Kind::granted) return Answer::granted;
    if (kind == Kind::refused) return Answer::refused;
    return kind == Kind::error || kind == Kind::error_unsent ? Answer::error : Answer::silent;
}

constexpr Duration step = microseconds{10};

struct Game {
    Terms terms;
    std::vector<Kind> kinds;       // per node
    std::vector<NodeIndex> events; // who speaks; a late one twice
    bool twice = false;            // every reply comes twice
    bool strays = false;           // before each comes a reply of an attempt before
};

// The model: written from the protocol, shares nothing with the code.
struct Model {
    enum { open, ahead, won, failed } state = open;
    std::string vote; // per node: ' ' none, 's' silent, 'e' error, 'r' refused, 'g' granted
    std::vector<Duration> expiry;
    unsigned reached;   // a bit for each node
    bool split = false; // failed: a rival has as many votes or more, but no quorum; tried again

    explicit Model(std::size_t nodes) : vote(nodes, ' '), expiry(nodes, Duration::min()), reached((1U << nodes) - 1) {}

    [[nodiscard]] std::size_t count(char letter) const {
        return static_cast<std::size_t>(std::count(vote.begin(), vote.end(), letter));
    }
    [[nodiscard]] std::size_t heard() const { return count('g') + count('r'); }
    [[nodiscard]] Duration validity(std::size_t quorum) const {
        std::vector<Duration> sorted = expiry;
        std::sort(sorted.begin(), sorted.end());
        return sorted[sorted.size() - quorum];
    }
    void hear(const Game &game, Instant now, NodeIndex node, Answer answer, std::optional<Instant> sent) {
        if (vote[node] == ' ' || vote[node] == 's') vote[node] = "gres"[static_cast<int>(answer)];
        if (state == failed) return;
        if (answer == Answer::granted) expiry[node] = sent->time_since_epoch() + trusted;
        if (!sent) reached &= ~(1U << node);
        if (state == won) return;
        // Those who refuse all name the same rival, whose token is smaller than ours.
        const std::size_t granted = count('g'), missing = count(' '), rival = count('r'), quorum = game.terms.quorum;
        if (granted >= quorum) {
            state = validity(quorum) - now.time_since_epoch() >= game.terms.needed ? won : failed;
            split = state == failed; // too late, and tried again
        } else if (granted + missing < quorum || (heard() >= quorum && !game.terms.wait && !game.strays)) {
            const bool out_of_reach = granted + missing + rival < quorum;
            split = rival < quorum && !out_of_reach && granted + missing <= rival;
            // Without time to wait every vote is heard first.
            if (split && game.terms.wait && missing > 0) split = false;
            else if (rival >= quorum || out_of_reach || split) state = failed;
            else state = granted > rival + missing ? ahead : open;
        }
    }
};

struct Tally {
    int won = 0, failed = 0, too_late = 0, ahead = 0;
};

// The nodes that were asked, a bit for each; 0 unless each request has this verb and the token.
unsigned asked_by(const std::vector<Request> &requests, Verb verb) {
    unsigned nodes = 0;
    for (const Request &request : requests) {
        if (request.verb != verb || request.token != "token" || (nodes >> request.node & 1U) != 0) return 0;
        nodes |= 1U << request.node;
    }
    return nodes;
}

class Match {
  public:
    explicit Match(const Game &game) : game_(game), model_(game.terms.nodes), driver_(game.terms) {}

    // What the lock and the model disagree about; nullptr: nothing.
    const char *play(Tally &tally) {
        if (game_.strays) play_before();
        driver_.acquire(at_);
        expect(asked_by(driver_.round, Verb::acquire) == model_.reached, "the nodes that are asked");
        begin_ = driver_.now;
        for (const NodeIndex node : game_.events) speak(node);
        finish(tally);
        return wrong_;
    }

  private:
    void expect(bool right, const char *what) {
        if (!right && wrong_ == nullptr) wrong_ = what;
    }

    void play_before() {
        driver_.acquire(at_, "older");
        before_ = driver_.round;
        for (NodeIndex node = 0; node < game_.terms.nodes; ++node) driver_.hear(at_, node, Answer::error, at_);
        before_.insert(before_.end(), driver_.asked.begin(), driver_.asked.end());
        at_ = driver_.to_deadline();
        expect(driver_.lock.phase() == Phase::idle, "the pause");
    }

    void speak(NodeIndex node) {
        if (game_.strays) {
            driver_.hear(at_, reply_to(before_[strays_++ % before_.size()], Answer::granted, driver_.now));
            compare();
        }
        at_ += step;
        const Kind kind = game_.kinds[node];
        const Answer answer = answer_of(kind, (spoken_ >> node & 1U) != 0);
        spoken_ |= 1U << node;
        std::optional<Instant> sent;
        // Requests leave one by one, in an order that is not that of the nodes.
        if (kind != Kind::error_unsent && kind != Kind::silent_unsent)
            sent = begin_ + microseconds{3 * (1 + (node * 2 + 1) % 5)};
        model_.hear(game_, start + at_, node, answer, sent);
        for (int i = 0; i < (game_.twice ? 2 : 1); ++i) {
            driver_.hear(at_, reply_to(driver_.round[node], answer, sent));
            compare();
        }
    }

    void compare() {
        const Lock &lock = driver_.lock;
        const Phase phase = lock.phase();
        const bool held = model_.state == Model::won;
        const Duration validity = held ? model_.validity(game_.terms.quorum) : distant_past.time_since_epoch();
        expect(lock.validity().time_since_epoch() == validity, "V");
        if (model_.state == Model::failed && !failed_) {
            failed_ = true;
            abandons_ = driver_.asked;
            expect(asked_by(abandons_, Verb::abandon) == model_.reached, "the nodes with something to abandon");
        } else {
            expect(driver_.asked.empty(), "no request");
        }
        if (model_.state != Model::failed) return expect(phase == (held ? Phase::held : Phase::acquiring), "the phase");
        if (!game_.terms.wait || model_.split) return expect(phase == Phase::pausing, "the pause");
        if (phase != Phase::ended) return expect(phase == Phase::cleaning, "the cleaning");
        const bool in_reach = model_.heard() >= game_.terms.quorum;
        if (!ending_) {
            ending_ = in_reach ? Ending::busy : Ending::unreachable;
            expect(in_reach || model_.count(' ') == 0, "the end before the last vote");
        }
        expect(lock.ending() == *ending_, "the ending");
    }

    void finish(Tally &tally) {
        expect(model_.state != Model::open, "every vote is in");
        if (model_.state == Model::ahead) {
            // Nobody has a quorum, and we have more than anybody else: those that refused are asked again.
            ++tally.ahead;
            driver_.to_deadline();
            unsigned refusing = 0;
            for (NodeIndex node = 0; node < game_.terms.nodes; ++node)
                if (model_.vote[node] == 'r') refusing |= 1U << node;
            return expect(asked_by(driver_.asked, Verb::acquire) == refusing, "the nodes that are asked again");
        }
        const bool granted = model_.count('g') >= game_.terms.quorum;
        ++(model_.state == Model::won ? tally.won : granted ? tally.too_late : tally.failed);
        if (model_.state == Model::won || !game_.terms.wait || model_.split) return;
        for (const Request &abandon : abandons_) driver_.hear(at_, reply_to(abandon, Answer::granted, begin_));
        compare();
        expect(driver_.lock.phase() == Phase::ended && !driver_.lock.deadline(), "the end");
    }

    const Game &game_;
    Model model_;
    Driver driver_;
    Duration at_{};
    Instant begin_{};
    std::vector<Request> before_, abandons_;
    std::size_t strays_ = 0;
    unsigned spoken_ = 0;
    bool failed_ = false;
    std::optional<Ending> ending_;
    const char *wrong_ = nullptr;
};

// The variants of a game: `variant` has a bit for each of twice, strays, needed and wait.
void set_variant(Game &game, unsigned variant) {
    game.twice = (variant & 1) != 0;
    game.strays = (variant & 2) != 0;
    // With the second, only fast replies leave enough of the lease.
    game.terms.needed = (variant & 4) != 0 ? seconds{1} : trusted - microseconds{23};
    game.terms.wait = (variant & 8) != 0 && !game.strays ? std::optional(Duration{}) : std::nullopt;
}

std::string describe(const Game &game, unsigned variant) {
    std::string text = "kinds ";
    for (const Kind kind : game.kinds) text += std::to_string(static_cast<int>(kind));
    text += ", events ";
    for (const NodeIndex node : game.events) text += std::to_string(node);
    return text + ", variant " + std::to_string(variant);
}

// Every order when `orders` is 0, else so many drawn ones; of each, every `stride`-th variant from a drawn one on.
void play_all(std::size_t nodes, std::size_t quorum, std::size_t kinds, int orders, unsigned stride) {
    std::mt19937 random(11);
    Tally tally;
    Game game;
    game.terms = terms_for(nodes);
    game.terms.quorum = quorum;
    game.kinds.assign(nodes, Kind::granted);
    std::size_t assignments = 1;
    for (std::size_t i = 0; i < nodes; ++i) assignments *= kinds;
    for (std::size_t assignment = 0; assignment < assignments; ++assignment) {
        game.events.clear();
        std::size_t rest = assignment;
        for (NodeIndex node = 0; node < nodes; ++node, rest /= kinds) {
            game.kinds[node] = static_cast<Kind>(rest % kinds);
            game.events.insert(game.events.end(), game.kinds[node] >= Kind::late_granted ? 2 : 1, node);
        }
        for (int order = 0; orders == 0 || order < orders; ++order) {
            if (orders > 0) std::shuffle(game.events.begin(), game.events.end(), random);
            for (auto variant = static_cast<unsigned>(random() % stride); variant < 16; variant += stride) {
                set_variant(game, variant);
                const char *wrong = Match(game).play(tally);
                ASSERT_EQ(wrong, nullptr) << wrong << ": " << describe(game, variant);
            }
            if (orders == 0 && !std::next_permutation(game.events.begin(), game.events.end())) break;
        }
    }
    EXPECT_GT(tally.won, 0);
    EXPECT_GT(tally.failed, 0);
    EXPECT_TRUE(nodes < 3 || tally.too_late > 0);
    EXPECT_TRUE(nodes < 4 || tally.ahead > 0);
}

TEST(Vote, OneNode) { play_all(1, 1, 8, 0, 1); }
TEST(Vote, TwoNodes) { play_all(2, 2, 8, 0, 1); }
TEST(Vote, ThreeNodesInEveryOrder) { play_all(3, 2, 8, 0, 5); }
TEST(Vote, ThreeNodesOfWhichAllMustAgree) { play_all(3, 3, 4, 0, 1); }
TEST(Vote, FourNodesInEveryOrder) { play_all(4, 3, 4, 0, 5); }
TEST(Vote, FiveNodesInSomeOrders) { play_all(5, 3, 4, 6, 5); }
TEST(Vote, FiveNodesWithLateAnswersInSomeOrders) { play_all(5, 4, 8, 1, 16); }

} // namespace
} // namespace redlock::core
