/* Who has a token, by the file of their hashes (dynproxy-domains(8)). */
#include "tools/domains_auth.h"

#include <stdlib.h>
#include <unistd.h>

#include "t/tap.h"

/* printf TOKEN | sha256sum */
#define OF_ABC                                                                 \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_NOTHING                                                             \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define TOKEN(hash, user, project, role)                                       \
	"{\"sha256\":\"" hash "\",\"user\":\"" user                            \
	"\",\"project\":\"" project "\",\"role\":\"" role "\"}"

static char path[] = "/tmp/tokens.XXXXXX";

static void
write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static const struct {
	const char *what, *text;
	bool good;
} files[] = {
	{ "nobody's", "[]", true },
	{ "a reader's", "[" TOKEN(OF_ABC, "u", "p", "reader") "]", true },
	{ "no list", "{}", false },
	{ "no JSON", "[", false },
	{ "a list of texts", "[\"" OF_ABC "\"]", false },
	{ "no role", "[{\"sha256\":\"" OF_ABC "\",\"user\":\"u\"}]", false },
	{ "a role that is none", "[" TOKEN(OF_ABC, "u", "p", "owner") "]",
	    false },
	{ "a token instead of its hash",
	    "[" TOKEN("abc", "u", "p", "admin") "]", false },
	{ "a hash in upper case",
	    "[" TOKEN("BA7816BF8F01CFEA414140DE5DAE2223"
		      "B00361A396177A9CB410FF61F20015AD",
		"u", "p", "admin") "]",
	    false },
};

static const struct {
	const char *name;
	enum auth_role role;
} roles[] = {
	{ "reader", ROLE_READER },
	{ "member", ROLE_MEMBER },
	{ "admin", ROLE_ADMIN },
	{ "Admin", ROLE_NONE },
	{ "administrator", ROLE_NONE },
	{ "", ROLE_NONE },
};

int
main(void)
{
	struct auth auth = { .check = NULL };
	struct auth_who who = { .role = ROLE_NONE };
	char why[256];

	close(mkstemp(path));
	for (size_t i = 0; i < nitems(roles); i++)
		is_int(auth_role_of(roles[i].name), roles[i].role,
		    "the role \"%s\"", roles[i].name);
	for (size_t i = 0; i < nitems(files); i++) {
		struct auth other = { .check = NULL };
		bool opened;

		write_file(files[i].text);
		opened = auth_by_file(&other, path, why);
		is_int(opened, files[i].good, "a file: %s", files[i].what);
		if (opened)
			jsonfile_close(&other.tokens);
	}
	write_file("[" TOKEN(OF_ABC, "ann", "p1", "member") "," TOKEN(
	    OF_NOTHING, "bob", "p2", "admin") "]");
	ok(auth_by_file(&auth, path, why), "two tokens");
	is_int(auth.check(&auth, "abc", &who), AUTH_KNOWN, "a token");
	is_str(who.user, "ann", "its user");
	is_str(who.project, "p1", "its project");
	is_int(who.role, ROLE_MEMBER, "its role");
	is_int(auth.check(&auth, "abd", &who), AUTH_UNKNOWN, "another token");
	is_int(auth.check(&auth, OF_ABC, &who), AUTH_UNKNOWN,
	    "the hash itself is none");
	jsonfile_close(&auth.tokens);
	unlink(path);
	return done();
}
