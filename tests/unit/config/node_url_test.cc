#include "config/node_url.hh"

#include "config/secret.hh"
#include "util/error.hh"

#include <gtest/gtest.h>

namespace redlock::config {
namespace {

std::string message_of(auto &&action) {
    try {
        action();
    } catch (const ConfigError &error) {
        return error.what();
    }
    return "no error";
}

bool contains(const std::string &text, std::string_view part) { return text.find(part) != text.npos; }

TEST(NodeUrl, AcceptsTcp) {
    const std::pair<const char *, NodeUrl> rows[] = {
        {"redis://h", {"h", 6379, "", "", "", 0}},
        {"redis://h/", {"h", 6379, "", "", "", 0}},
        {"redis://h:7000/3", {"h", 7000, "", "", "", 3}},
        {"REDIS://10.0.0.1:1", {"10.0.0.1", 1, "", "", "", 0}},
        {"redis://h:65535", {"h", 65535, "", "", "", 0}},
        {"redis://:pw@h", {"h", 6379, "", "", "pw", 0}},
        {"redis://me@h", {"h", 6379, "", "me", "", 0}},
        {"redis://me:pw@h:1/2", {"h", 1, "", "me", "pw", 2}},
        {"redis://m%40e:p%3Aw%2F%40@h", {"h", 6379, "", "m@e", "p:w/@", 0}},
        {"redis://:p?=&=w@h", {"h", 6379, "", "", "p?=&=w", 0}},
        {"redis://:p@s/s:w?d#@h:7", {"h", 7, "", "", "p@s/s:w?d#", 0}}, // forgotten to encode
        {"redis://[::1]", {"::1", 6379, "", "", "", 0}},
        {"redis://[::1]:7/1", {"::1", 7, "", "", "", 1}},
        {"redis://u:p@[fe80::1%eth0]:7", {"fe80::1%eth0", 7, "", "u", "p", 0}},
        {"redis://[::ffff:10.0.0.1]", {"::ffff:10.0.0.1", 6379, "", "", "", 0}},
        {"redis://[fe80::1%lo]", {"fe80::1%lo", 6379, "", "", "", 0}},
        {"redis://[fe80::1%25lo]:7/2", {"fe80::1%lo", 7, "", "", "", 2}}, // RFC 6874
        {"redis://[fe80::1%25br%2Dlan]", {"fe80::1%br-lan", 6379, "", "", "", 0}},
        {"redis://[fe80::1%25]", {"fe80::1%25", 6379, "", "", "", 0}}, // interface 25
        {"redis://[fe80::1%2]", {"fe80::1%2", 6379, "", "", "", 0}},
    };
    for (const auto &[text, expected] : rows) EXPECT_EQ(parse_node_url(text), expected) << text;
}

TEST(NodeUrl, AcceptsUnix) {
    const std::pair<const char *, NodeUrl> rows[] = {
        {"unix:///run/r.sock", {"", 6379, "/run/r.sock", "", "", 0}},
        {"unix:///run/r.sock?db=4", {"", 6379, "/run/r.sock", "", "", 4}},
        {"unix:///run/a@b.sock", {"", 6379, "/run/a@b.sock", "", "", 0}},
        {"unix:///a%20b%3F", {"", 6379, "/a b?", "", "", 0}},
        {"unix://me:pw@/run/r", {"", 6379, "/run/r", "me", "pw", 0}},
        {"unix://:p%40w@/run/r?db=1", {"", 6379, "/run/r", "", "p@w", 1}},
    };
    for (const auto &[text, expected] : rows) EXPECT_EQ(parse_node_url(text), expected) << text;
}

TEST(NodeUrl, DisplaysWithoutUserAndPassword) {
    const std::pair<const char *, const char *> rows[] = {
        {"redis://me:pw@h", "redis://h:6379"},
        {"redis://h:1/2", "redis://h:1/2"},
        {"redis://[::1]:7", "redis://[::1]:7"},
        {"unix://me:pw@/run/r", "unix:///run/r"},
        {"unix:///r?db=2", "unix:///r?db=2"},
        {"unix:///r%1B[2J", "unix:///r\\x1B[2J"},
        {"redis://secret@h", "redis://h:6379"},
        {"redis://[fe80::1%25lo]", "redis://[fe80::1%lo]:6379"},
        {"unix:///%3Asecret%40/run/x", "unix:///:***@/run/x"},
        {"unix:///run/a%3Asecret%40b%40c", "unix:///run/a:***@c"},
    };
    for (const auto &[text, expected] : rows) EXPECT_EQ(parse_node_url(text).display(), expected);
}

TEST(NodeUrl, SaysWhatIsWrong) {
    const std::string long_path = "unix:///" + std::string(107, 'x');
    const std::pair<std::string, const char *> rows[] = {
        {"", "it is empty"},
        {"localhost:6379", "write redis:// in front"},
        {"localhost", "write redis:// in front"},
        {"redis:h:6379", "'://' is missing"},
        {"redis:/h", "'://' is missing"},
        {"unix:/run/r", "'://' is missing"},
        {"/run/redis.sock", "write unix:// in front"},
        {"reddis://h", "did you mean redis://?"},
        {"redi://h", "did you mean redis://?"},
        {"unx://h", "did you mean unix://?"},
        {"http://h", "unknown scheme"},
        {"://h", "unknown scheme"},
        {"valkey://h", "write redis:// for Valkey"},
        {"redis+unix:///r", "for a unix socket write unix://"},
        {"redis-socket:///r", "for a unix socket write unix://"},
        {"rediss://h", "no TLS yet"},
        {"redis://", "host is missing"},
        {"redis://:6379", "host is missing"},
        {"redis://me:pw@", "host is missing"},
        {"redis:///run/redis.sock", "host is missing"},
        {"redis://h:", "port is missing"},
        {"redis://h:/1", "port is missing"},
        {"redis://h:0", "from 1 to 65535"},
        {"redis://h:65536", "from 1 to 65535"},
        {"redis://h:99999999999999999999", "from 1 to 65535"},
        {"redis://h:-1", "from 1 to 65535"},
        {"redis://h:63x9", "from 1 to 65535"},
        {"redis://h/x", "database number"},
        {"redis://h/-1", "database number"},
        {"redis://h/1/2", "database number"},
        {"redis://h/99999999999", "database number"},
        {"redis://h/run/redis.sock", "for a unix socket write unix://"},
        {"redis://h?db=1", "as in redis://host:6379/2"},
        {"redis://h?password=p@q", "user and password stand before the host"},
        {"redis://h/0@q", "user and password stand before the host"},
        {"redis://u:p?auth=p@q", "user and password stand before the host"},
        {"unix://?auth=@/q", "user and password stand before the host"},
        {"redis://h#1", "as in redis://host:6379/2"},
        {"redis://::1:6379", "in brackets"},
        {"redis://fe80::1", "in brackets"},
        {"redis://[::1", "not closed"},
        {"redis://[::1:6379", "not closed"},
        {"redis://::1]:6379", "in brackets"},
        {"redis://h]:6379", "begins with '['"},
        {"redis://[::1]6379", "may follow the bracket"},
        {"redis://[10.0.0.1]", "only an IPv6 address"},
        {"redis://[]", "only an IPv6 address"},
        {"redis://[::xyz]", "only an IPv6 address"},
        {"redis://a b", "separated by commas"},
        {"redis://a;b", "separated by commas"},
        {"redis://a redis://b", "'://' stands there twice; several nodes are separated by commas"},
        {"redis://u:p@a;redis://u:p@b", "'://' stands there twice"},
        {"redis://a\nredis://b", "'://' stands there twice"},
        {"unix:///run/a redis://u:p@h", "'://' stands there twice"},
        {"unix:///run/a;unix:///run/b", "'://' stands there twice"},
        {"unix:///run/a u:p@h", "a space or control character in the path"},
        {"unix:///run/a\n", "a space or control character in the path"},
        {"unix:///:p@/run/x.sock", "stand before the path: unix://user:password@/run/redis.sock"},
        {"unix:///u:p@/run/x.sock", "stand before the path"},
        {"unix:///p@/run/x.sock", "stand before the path"},
        {"unix:///run/x.sock:p@", "stand before the path"},
        {"unix:///run/x.sock@", "stand before the path"},
        {"unix:///run/x.sock:p", "a ':' in the path"},
        {"unix:///run/x.sock:6379", "a ':' in the path"},
        {"unix://u:p@/run/x:p", "a ':' in the path"},
        {"unix:///run/a@b:p", "a ':' in the path"},
        {"unix://u:p@/q;@h", "stand before the path"},
        {"redis://u:p\tq@h", "a control character before the '@'"},
        {"\"redis://h\"", "begins with a quotation mark"},
        {"'redis://h'", "begins with a quotation mark"},
        {"redis://[fe80::1%]", "the name of an interface must follow"},
        {"redis://[fe80::1%25a%20b]", "the name of an interface must follow"},
        {"redis://[fe80::1%25a%00]", "the name of an interface must follow"},
        {"redis://a\n", "control character"},
        {"redis://me:@h", "password before the '@' is empty"},
        {"redis://:@h", "password before the '@' is empty"},
        {"unix://run/r", "three slashes"},
        {"unix://", "three slashes"},
        {"unix://@abstract", "three slashes"},
        {"unix:///", "a folder"},
        {"unix:///run/", "a folder"},
        {"unix:///r?x=1", "only ?db=N"},
        {"unix:///r?db=", "database number"},
        {"unix:///r?db=x", "database number"},
        {"unix:///r%00x", "zero byte"},
        {long_path, "longer than a unix socket's"},
    };
    for (const auto &[text, expected] : rows) {
        const std::string message = message_of([&, &url = text] { (void)parse_node_url(url); });
        EXPECT_TRUE(contains(message, expected)) << text << ": " << message;
        EXPECT_TRUE(contains(message, "bad node address")) << message;
    }
}

TEST(NodeUrl, NeverShowsAPassword) {
    const char *rows[] = {
        "redis://:hunter2@",
        "redis://me:hunter2@:1",
        "redis://me:hunter2@h:0",
        "reddis://:hunter2@h",
        "rediss://:hunter2@h",
        "redis:me:hunter2@h",
        "me:hunter2@h",
        ":hunter2@h",
        "redis://:hunter2",
        "redis://me:hunter2",
        "redis://me:hunter2/0",
        "redis://:hunter2/0",
        "redis://:hunter2@[::1",
        "redis://h?password=hunter2",
        "unix://me:hunter2@run/r",
        "unix://:hunter2/run/r",
        "redis://:a@hunter2@h:0",
        "redis:/:hunter2@h",
        "unix:///r?hunter2",
        "redis://me:hun,hunter2@h",
        "redis://h:1,redis://:hunter2@h:0",
        "redis://x://hunter2@:",
        "me:hunter2",
        "redis://:hunter2@h,redis://:hunter2@h",
        "unix:///:hunter2@/run/x.sock",
        "unix:///run/a redis://u:hunter2@h",
        "unix:///run/x.sock:hunter2@",
        "redis://h:6379@u:hunter2",
        "redis://h:6379/u:hunter2",
        "redis://h:1?user=u&password=hunter2",
        "redis://h?password=a@hunter2",
        "redis://me:12/hunter2",
        "redis://a,hunter2,b@h",
        "redis://me:p@hunter2:x,b@h",
        "redis://a;redis://me:hunter2@h",
        "redis://a\nredis://me:hunter2@h",
        "\"redis://me:hunter2@h\"",
    };
    for (const char *text : rows) {
        const std::string message = message_of([&] { (void)parse_node_list(text); });
        EXPECT_NE(message, "no error") << text;
        EXPECT_FALSE(contains(message, "hunter2")) << text << ": " << message;
    }
}

TEST(Secret, ShowsWhatIsHarmless) {
    const std::pair<const char *, const char *> rows[] = {
        {"redis://me:pw@h:1/2", "redis://***@h:1/2"},
        {"redis://h:6379/x", "redis://h:6379/***"},
        {"redis://h/run/x", "redis://h/run/x"},
        {"reddis://h", "reddis://h"},
        {"reddis://me:pw@h", "***@h"},
        {"redis://me:pw@h1;redis://h2", "redis://***@h1***"},
        {"redis://h?password=a@b", "redis://***"},
        {"redis://h@me:pw", "redis://***@me:***"},
        {"unix:///run/a b", "unix:///run/a***"},
        {"redis://[fe80::1%eth0]:x", "redis://[fe80::1%eth0]:***"},
        {"redis://h:pw", "redis://h:***"},
        {"redis://:1234", "redis://:***"},
        {"redis://[::1", "redis://[::1"},
        {"unix:///r?db=1", "unix:///r?db=1"},
        {"unix:///r?pw=1", "unix:///r?***"},
        {"a@b@c", "***@c"},
    };
    for (const auto &[text, expected] : rows) EXPECT_EQ(hide_password(text), expected);
    EXPECT_EQ(show_word("1:30"), "1:30");
    EXPECT_EQ(show_word("redis://:pw@h"), "redis://***@h");
    EXPECT_EQ(show_word("redis:me:pw"), "redis:***");
    EXPECT_EQ(show_word("0123456789abcdef0123456789abcdef.1.me@h.2."), "***"); // a token
    EXPECT_EQ(show_word("0123456789abcdef"), "0123456789abcdef");
}

TEST(NodeList, Accepts) {
    const auto nodes = parse_node_list("redis://a, redis://b:1 ,unix:///c\n");
    ASSERT_EQ(nodes.size(), 3U);
    EXPECT_EQ(nodes[1].display(), "redis://b:1");
    EXPECT_EQ(parse_node_list("redis://a,redis://a:1,unix:///a,unix:///b").size(), 4U);
}

TEST(NodeList, SaysWhichEntryIsWrong) {
    const std::pair<const char *, const char *> rows[] = {
        {"", "it is empty"},
        {"redis://a,", "node 2 of 2: bad node address '': it is empty"},
        {"redis://a,,redis://b", "node 2 of 3"},
        {"redis://a redis://b", "separated by commas"},
        {"redis://[fe80::1%25lo],redis://[fe80::1%lo]", "the same server, redis://[fe80::1%lo]:6379"},
        {"redis://a,redis://b:0", "node 2 of 2"},
        {"redis://a,redis://b,redis://A:6379", "nodes 1 and 3 are the same server, redis://A:6379"},
        {"redis://a/1,redis://a/2", "the same server"},
        {"redis://x:1@a,redis://y:2@a", "the same server"},
        {"unix:///a,unix:///a?db=1", "the same server"},
        {"redis://:p,w@h", "written %2C"},
    };
    for (const auto &[text, expected] : rows) {
        const std::string message = message_of([&url = text] { (void)parse_node_list(url); });
        EXPECT_TRUE(contains(message, expected)) << text << ": " << message;
    }
}

TEST(NodeList, HasALimit) {
    std::string text = "redis://h:1000";
    for (int port = 1001; port < 1064; ++port) text += ",redis://h:" + std::to_string(port);
    EXPECT_EQ(parse_node_list(text).size(), 64U);
    EXPECT_TRUE(contains(message_of([&] { (void)parse_node_list(text + ",redis://h:1"); }), "65 nodes are too many"));
    EXPECT_NO_THROW(check_node_list({}));
}

} // namespace
} // namespace redlock::config
