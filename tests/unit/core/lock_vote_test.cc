// One attempt, played with every assignment of answers in every order, beside a model of what protocol 4.3
// says about it.
#include "driver.hh"

#include <algorithm>
#include <random>

namespace redlock::core {
namespace {

// What a node does. `unsent`: no byte of the request left. `late`: silent first, and then that.
enum class Kind { granted, refused, error, silent, error_unsent, silent_unsent, late_granted, late_refused };

Answer first_answer(Kind kind) {
    switch (kind) {
    case Kind::granted: return Answer::granted;
    case Kind::refused: return Answer::refused;
    case Kind::error:
    case Kind::error_unsent: return Answer::error;
    default: return Answer::silent;
    }
}

constexpr Duration step = microseconds{10};

// Requests leave one by one, in an order that is not that of the nodes.
Instant sent_at(Instant begin, NodeIndex node) {
    return begin + microseconds{3} * static_cast<Duration::rep>(1 + (node * 2 + 1) % 5);
}

struct Game {
    Terms terms;
    std::vector<Kind> kinds;       // per node
    std::vector<NodeIndex> events; // who speaks; a late one twice
    bool twice = false;            // every reply comes twice
    bool strays = false;           // between them come replies of an attempt before
};

// The model: written from the protocol, shares nothing with the code.
struct Model {
    enum { open, ahead, won, failed } state = open;
    std::vector<char> vote; // ' ' none, 's' silent, 'e' error, 'r' refused, 'g' granted
    std::vector<Duration> expiry;
    std::vector<bool> reached;
    bool split = false; // failed: a rival has as many votes or more, but no quorum; tried again

    explicit Model(std::size_t nodes) : vote(nodes, ' '), expiry(nodes, Duration::min()), reached(nodes, true) {}

    void hear(const Game &game, Instant now, NodeIndex node, Answer answer, std::optional<Instant> sent) {
        const bool news = vote[node] == ' ' || vote[node] == 's';
        if (news) vote[node] = "gres"[static_cast<int>(answer)];
        if (state == failed) return;
        if (answer == Answer::granted) expiry[node] = sent->time_since_epoch() + trusted;
        if (!sent) reached[node] = false;
        if (state == won) return;
        const auto granted = std::count(vote.begin(), vote.end(), 'g');
        const auto missing = std::count(vote.begin(), vote.end(), ' ');
        const auto quorum = static_cast<std::ptrdiff_t>(game.terms.quorum);
        if (granted >= quorum) {
            state = validity(game) - now.time_since_epoch() >= game.terms.needed ? won : failed;
            split = state == failed; // too late, and tried again
        } else if (granted + missing < quorum || (heard() >= game.terms.quorum && !game.terms.wait && !game.strays)) {
            // Those who refuse all name the same rival, whose token is smaller than ours.
            const auto rival = std::count(vote.begin(), vote.end(), 'r');
            const bool out_of_reach = granted + missing + rival < quorum;
            split = rival < quorum && !out_of_reach && granted + missing <= rival;
            // Without time to wait every vote is heard first.
            if (split && game.terms.wait && missing > 0) split = false;
            else if (rival >= quorum || out_of_reach || split) state = failed;
            else state = granted > rival + missing ? ahead : open;
        }
    }
    [[nodiscard]] Duration validity(const Game &game) const {
        std::vector<Duration> sorted = expiry;
        std::sort(sorted.begin(), sorted.end());
        return sorted[sorted.size() - game.terms.quorum];
    }
    [[nodiscard]] std::size_t heard() const {
        return static_cast<std::size_t>(
            std::count_if(vote.begin(), vote.end(), [](char v) { return v == 'g' || v == 'r'; }));
    }
};

struct Tally {
    int won = 0, failed = 0, too_late = 0, ahead = 0;
};

void play(const Game &game, Tally &tally) {
    Driver driver(game.terms);
    Lock &lock = driver.lock;
    std::vector<Request> before;
    Duration at{};
    if (game.strays) {
        driver.acquire(at, "older");
        before = driver.round;
        for (NodeIndex node = 0; node < game.terms.nodes; ++node) driver.hear(at, node, Answer::error, at);
        before.insert(before.end(), driver.asked.begin(), driver.asked.end());
        at = driver.to_deadline();
        ASSERT_EQ(lock.phase(), Phase::idle);
    }
    driver.acquire(at);
    ASSERT_EQ(nodes_of(driver.round, Verb::acquire).size(), game.terms.nodes);
    const Instant begin = driver.now;

    Model model(game.terms.nodes);
    std::vector<bool> spoken(game.terms.nodes);
    std::vector<Request> abandons;
    std::optional<Ending> ending;
    const auto agree = [&] {
        if (model.state == Model::won) {
            ASSERT_EQ(lock.phase(), Phase::held);
            ASSERT_EQ(lock.validity().time_since_epoch(), model.validity(game));
            ASSERT_TRUE(driver.asked.empty());
            return;
        }
        ASSERT_EQ(lock.validity(), distant_past);
        if (model.state == Model::open || model.state == Model::ahead) {
            ASSERT_EQ(lock.phase(), Phase::acquiring);
            ASSERT_TRUE(driver.asked.empty());
            return;
        }
        if (abandons.empty()) {
            std::vector<bool> asked(game.terms.nodes);
            for (const NodeIndex node : nodes_of(driver.asked, Verb::abandon)) {
                ASSERT_FALSE(asked[node]);
                asked[node] = true;
            }
            ASSERT_EQ(asked, model.reached);
            for (const Request &request : driver.asked) ASSERT_EQ(request.token, "token");
            abandons = driver.asked;
        } else {
            ASSERT_TRUE(driver.asked.empty());
        }
        if (!game.terms.wait || model.split) {
            ASSERT_EQ(lock.phase(), Phase::pausing);
        } else if (lock.phase() == Phase::ended) {
            const bool in_reach = model.heard() >= game.terms.quorum;
            if (!ending) {
                ending = in_reach ? Ending::busy : Ending::unreachable;
                ASSERT_TRUE(in_reach || std::count(model.vote.begin(), model.vote.end(), ' ') == 0);
            }
            ASSERT_EQ(lock.ending(), *ending);
        } else {
            ASSERT_EQ(lock.phase(), Phase::cleaning);
        }
    };
    for (const NodeIndex node : game.events) {
        if (game.strays)
            for (const Request &old : before) {
                driver.hear(at, reply_to(old, Answer::granted, driver.now));
                ASSERT_NO_FATAL_FAILURE(agree());
            }
        at += step;
        const Kind kind = game.kinds[node];
        const Answer answer = !spoken[node]                ? first_answer(kind)
                              : kind == Kind::late_granted ? Answer::granted
                                                           : Answer::refused;
        spoken[node] = true;
        const bool unsent = kind == Kind::error_unsent || kind == Kind::silent_unsent;
        const auto sent = unsent ? std::nullopt : std::optional(sent_at(begin, node));
        model.hear(game, start + at, node, answer, sent);
        for (int i = 0; i < (game.twice ? 2 : 1); ++i) {
            driver.hear(at, reply_to(driver.round[node], answer, sent));
            ASSERT_NO_FATAL_FAILURE(agree());
        }
    }
    ASSERT_NE(model.state, Model::open);
    if (model.state == Model::ahead) {
        // Nobody has a quorum, and we have more than anybody else: those that refused are asked again.
        ++tally.ahead;
        driver.to_deadline();
        std::vector<NodeIndex> refusing;
        for (NodeIndex node = 0; node < game.terms.nodes; ++node)
            if (model.vote[node] == 'r') refusing.push_back(node);
        ASSERT_EQ(nodes_of(driver.asked, Verb::acquire), refusing);
        for (const Request &request : driver.asked) ASSERT_EQ(request.token, "token");
        return;
    }
    const bool quorum_granted =
        std::count(model.vote.begin(), model.vote.end(), 'g') >= static_cast<int>(game.terms.quorum);
    ++(model.state == Model::won ? tally.won : quorum_granted ? tally.too_late : tally.failed);
    if (model.state == Model::failed && game.terms.wait && !model.split) {
        for (const Request &abandon : abandons) driver.hear(at, reply_to(abandon, Answer::granted, begin));
        ASSERT_EQ(lock.phase(), Phase::ended);
        ASSERT_NO_FATAL_FAILURE(agree());
        ASSERT_EQ(lock.deadline(), std::nullopt);
    }
}

std::string describe(const Game &game) {
    std::string text = "kinds ";
    for (const Kind kind : game.kinds) text += std::to_string(static_cast<int>(kind));
    text += ", events ";
    for (const NodeIndex node : game.events) text += std::to_string(node);
    return text + (game.twice ? ", twice" : "") + (game.strays ? ", strays" : "") + (game.terms.wait ? ", -n" : "") +
           ", needed " + std::to_string(game.terms.needed.count()) + " ns";
}

// Every order when `orders` is 0, else so many random ones.
void play_all(std::size_t nodes, std::size_t quorum, std::size_t kinds, int orders = 0) {
    std::mt19937 random(11);
    // Too many to play each in all variants; and a sanitizer's eyes are worth more than many games.
    const int stride = orders == 1 || SANITIZED ? 5 : 1;
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
            game.events.push_back(node);
            if (game.kinds[node] >= Kind::late_granted) game.events.push_back(node);
        }
        std::sort(game.events.begin(), game.events.end());
        for (int order = 0;; ++order) {
            if (orders > 0) std::shuffle(game.events.begin(), game.events.end(), random);
            for (int variant = static_cast<int>(random() % static_cast<unsigned>(stride)); variant < 16;
                 variant += stride) {
                game.twice = (variant & 1) != 0;
                game.strays = (variant & 2) != 0;
                // With the second, only fast replies leave enough of the lease.
                game.terms.needed = (variant & 4) != 0 ? seconds{1} : trusted - microseconds{23};
                game.terms.wait = (variant & 8) != 0 && !game.strays ? std::optional(Duration{}) : std::nullopt;
                play(game, tally);
                if (testing::Test::HasFailure()) {
                    ADD_FAILURE() << describe(game);
                    return;
                }
            }
            if (orders > 0 ? order + 1 >= orders : !std::next_permutation(game.events.begin(), game.events.end()))
                break;
        }
    }
    EXPECT_GT(tally.won, 0);
    EXPECT_GT(tally.failed, 0);
    EXPECT_TRUE(nodes < 3 || tally.too_late > 0);
}

TEST(Vote, OneNode) { play_all(1, 1, 8); }
TEST(Vote, TwoNodes) { play_all(2, 2, 8); }
TEST(Vote, ThreeNodesInEveryOrder) { play_all(3, 2, 8); }
TEST(Vote, ThreeNodesOfWhichAllMustAgree) { play_all(3, 3, 4); }
TEST(Vote, FourNodesInEveryOrder) { play_all(4, 3, 4); }
TEST(Vote, FiveNodesInSomeOrders) { play_all(5, 3, 4, 6); }
TEST(Vote, FiveNodesWithLateAnswersInSomeOrders) { play_all(5, 4, 8, 1); }

} // namespace
} // namespace redlock::core
