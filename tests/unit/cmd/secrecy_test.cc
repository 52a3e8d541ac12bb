// Generated node addresses, most of them malformed, each with a password in it: whatever is said about them, by
// messages and by display(), never shows the password.
#include "cmd/diagnose.hh"
#include "cmd/settings.hh"
#include "config/duration.hh"
#include "config/secret.hh"
#include "util/error.hh"

#include <gtest/gtest.h>
#include <random>

namespace redlock::cmd {
namespace {

constexpr std::string_view canary = "CaNaRy";

class Generator {
  public:
    explicit Generator(std::uint32_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return random_() % n; }
    std::string one_of(std::initializer_list<const char *> choices) { return choices.begin()[below(choices.size())]; }

    // With whatever may stand in a password on either side, written as it is or encoded.
    std::string password() {
        const auto rest = [this] {
            return one_of({"",  "",   "",   "x",        "1",  "/",   "@",   "#",  "?",     ",",
                           ";", ":",  " ",  "'",        "\"", "%",   "%40", "//", "?db=1", "&",
                           "=", "\\", "\n", "\xc3\xa4", "@/", "x,y", "12/", "]",  "["});
        };
        return rest() + std::string(canary) + rest();
    }
    std::string login() { return one_of({"", "u", "me", "default", "1", "u u", "u%3A"}) + ':' + password() + '@'; }
    std::string scheme() {
        return one_of({"redis://", "redis://", "unix://", "unix://", "rediss://", "valkey://", "reddis://", "redis:/",
                       "redis:", "unix:/", "unix:", "", "://", "REDIS://", "http://", "redis+unix://", "'redis://",
                       "\"redis://", " redis://"});
    }
    std::string host() {
        return one_of({"h", "h:1", "h:x", "h:0", "h/1", "h/x", "[::1]", "[::1", "[::1]:", "10.0.0.1:6379", "", ":",
                       "a b", "h:99999", "h?db=1", "h#", "h:1/"});
    }
    std::string path() {
        return one_of({"/run/x.sock", "/run/x.sock?db=2", "/", "/run/", "/a b", "run/x", "/run/x?y", "//x", "/x%00"});
    }
    std::string place() { return below(2) != 0 ? host() : path(); }
    std::string separator() { return one_of({" ", ";", "\n", "\t", "|", ", ", ",", " , ", ",,", "&", "\r\n", "+"}); }

    std::string address() {
        switch (below(14)) {
        case 0: return scheme() + login() + host(); // where it belongs
        case 1: return scheme() + login() + path();
        case 2: return scheme() + "/" + login() + path(); // one slash too many
        case 3: return scheme() + path() + login();       // behind the path
        case 4: return scheme() + path() + separator() + login() + place();
        case 5: return login() + scheme() + place();       // in front of the scheme
        case 6: return scheme() + "u:" + plain_password(); // without host
        case 7:
            return scheme() + host() + one_of({"?", "/0?", "#", "/?"}) +
                   one_of({"password=", "auth=", "user=u&password="}) + password();
        case 8: return scheme() + place() + separator() + scheme() + login() + place();
        case 9: return scheme() + login() + place() + separator() + scheme() + login() + place();
        case 10: return scheme() + "h@u:" + plain_password(); // the wrong way round
        case 11: return scheme() + path() + "/u:" + plain_password() + one_of({"@", "@/", "@h", "@/run/x"});
        case 12: return scheme() + "/" + plain_password() + "@/run/x"; // a password alone
        default: return scheme() + plain_password() + "@" + place();
        }
    }

  private:
    // Without an '@' behind it, nothing tells where a password ends but the text's own end.
    std::string plain_password() { return one_of({"", "1/", "x", "p "}) + std::string(canary); }

    std::mt19937 random_;
};

std::string said_about(auto &&action) {
    try {
        return action();
    } catch (const UsageError &error) {
        return error.what();
    } catch (const ConfigError &error) {
        return error.what();
    }
}

TEST(Secrecy, NoMessageAboutAnAddressShowsItsPassword) {
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (std::uint32_t seed = 0; seed < 4'000; ++seed) {
        Generator generator(seed);
        const std::string address = generator.address();
        const std::string list = generator.below(2) != 0 ? address : "redis://first" + generator.separator() + address;
        const auto as_setting = [&](const std::vector<std::string> &words, bool variable) {
            return said_about([&] {
                const Settings settings =
                    make_settings(parse_command_line(words), [&](const char *name) -> const char * {
                        return variable && std::string_view(name) == "REDLOCK_NODES" ? list.c_str() : nullptr;
                    });
                std::string text;
                for (const auto &node : settings.cluster.nodes)
                    text += node.display() + ' ' + node.show_path() + ' ' + node.login_origin;
                for (const std::string &warning : settings.warnings) text += warning;
                ++accepted;
                return text + settings.claim.why;
            });
        };
        std::vector<std::string> said{
            as_setting({"status", "db"}, true),
            as_setting({"status", "-S", list, "db"}, false),
            as_setting({"status", "--node=" + list, "db"}, false),
            config::hide_password(list),
        };
        // A word like "me:word" may be anything, the name of a lock above all, where no address belongs.
        if (list.find("://") != list.npos || list.find('@') != list.npos) {
            said.push_back(as_setting({"exec", "--ttl", list, "db", "true"}, true));
            said.push_back(as_setting({"exec", "-E", list, "db", "true"}, true));
            said.push_back(as_setting({"exec", "--quiet=" + list, "db", "true"}, true));
            said.push_back(as_setting({"acquire", "db", list}, true));
            said.push_back(as_setting({"doctor", list}, true));
            said.push_back(as_setting({list, "db"}, true));
            said.push_back(in_quotes(list));
        }
        for (const std::string &text : said) {
            refused += text.find("bad node address") != text.npos ? 1 : 0;
            // As a host it is no secret: "redis://CaNaRy@h" has a user, "redis://u:x@CaNaRy" a host of that name.
            ASSERT_EQ(text.find(canary), text.npos) << "seed " << seed << ": " << list << "\n" << text;
        }
    }
    EXPECT_GT(accepted, 20U); // both ways are really taken
    EXPECT_GT(refused, 5'000U);
}

} // namespace
} // namespace redlock::cmd
