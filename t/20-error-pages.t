# Error pages are templates that an operator writes: by reason, form and
# language; a broken one is refused with file and line, at the start and at a
# reload, which brings the good ones into force (field/conventions.md 11).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Path qw(remove_tree);
use File::Temp;
use JSON::PP;

my $scratch = File::Temp->newdir;
my $errors  = "$scratch/errors";
sub put {
    my ($name, $text) = @_;
    my ($dir) = "$errors/$name" =~ m{(.*)/};
    -d $_ or mkdir $_ or die "$_: $!" for $errors, $dir;
    open my $fh, '>', "$errors/$name" or die "$name: $!";
    print $fh $text;
    close $fh or die "$name: $!";
}

my $proxy = DynProxy->new(
    tools  => ['alpha'],
    conf   => { error_directory => qq("$errors"), contact => '"mailto:{tool}@example.test"', node_name => '"node-7"' },
    expect => qr/reload-refused|fatal/,
);
sub page {
    my ($tool, $accept, $language) = @_;
    return $proxy->get($tool, '/', headers => { Accept => $accept, 'X-Request-Id' => 'request-of-test',
        $language ? ('Accept-Language' => $language) : () });
}
sub body { page(@_)->body }
sub reload { is $proxy->ctl('reload'), 0, $_[0] or diag $proxy->err }

like body('nobody', 'text/html'), qr/Nobody has this name/, 'without a directory a page is ours';

# --- which page
put('any.html', "any: {{status}} {{phrase}} {{reason}} {{host}} {{request}} {{node}} {{time}} {{tool}}.\n");
put('nobody.html', "nobody: {{headline}}\n");
put('404.txt', "404 as text: {{reason}}\n");
put('no-route.json', '{"mine":"{{host}}","status":{{status}}}');
put('de/any.html', "de: {{status}}\n");
put('pt-BR/nobody.html', "pt-BR: {{status}}\n");
put('README', "no {{template}}\n");
put('any.html~', "{{nor}} this\n");
like body('nobody', 'text/html'), qr/Nobody has this name/, 'files that nobody has read change nothing';
reload('reload');
is body('nobody', 'text/html'), "nobody: Nobody has this name\n", 'a page by whose trouble it is';
is body('nobody', '*/*'), "404 as text: no-route\n", 'one by status';
my $json = page('nobody', 'application/json');
is $json->header('content-type'), 'application/problem+json', 'one as JSON';
is_deeply eval { decode_json($json->body) }, { mine => 'nobody.example.test', status => 404 }, 'by reason';
is $json->reason, 'no-route', 'with the reason in the head';
is $json->header('content-length'), length $json->body, 'and its length';

my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
is $proxy->get('alpha', '/')->status, 200, 'that answers';
$backend->stop;
like body('alpha', 'text/html'),
    qr/\Aany: 503 Service Unavailable backend-refused alpha\.example\.test request-of-test node-7 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ alpha\.\n\z/,
    'one for any, with its variables';
like body('alpha', 'text/plain'), qr/\A503 .*^Ask: mailto:alpha\@example\.test$/ms, 'ours, where there is none';

# --- languages
for (['de', 'de: 404', 'de'], ['de-AT, en;q=0.5', 'de: 404', 'de'], ['pt-BR', 'pt-BR: 404', 'pt-BR'],
    ['fr, pt-br;q=0.8, de;q=0.9', 'de: 404', 'de'], ['en, de;q=0.9', 'nobody: Nobody has this name'],
    ['fr', 'nobody: Nobody has this name'], ['x' x 500, 'nobody: Nobody has this name']) {
    my ($wanted, $body, $language) = @$_;
    my $page = page('nobody', 'text/html', $wanted);
    is $page->body, "$body\n", 'Accept-Language: ' . substr $wanted, 0, 30;
    is $page->header('content-language') // '-', $language // '-', '  Content-Language';
}
is body('nobody', 'text/plain', 'de'), "404 as text: no-route\n", 'a language that has no such form';
like body('alpha', 'text/html', 'pt-BR'), qr/\Aany: 503 /, 'and one that has none for this reason';

# --- refused: at a reload, by -t, and at the start; the old ones stay
for (
    ['any.html', "one\ntwo {{statsu}}\n", qr{any\.html:2: unknown variable \{\{statsu\}\}}],
    ['any.html', "{{status\n", qr{any\.html:1: \{\{ without a name}],
    ['any.html', "\n\nb\xe4r\n", qr{any\.html:3: byte 0xe4: write UTF-8}],
    ['any.json', '{"host":"{{host}}",}', qr{any\.json: no JSON}],
    ['any.json', '{"host":{{host}}}', qr{any\.json: no JSON}],
    ['any.html', 'x' x 6145, qr{any\.html:1: more than 6144 bytes}],
    ['de/no-rout.html', 'x', qr{de/no-rout\.html: no error is called so}],
    ['de_DE/any.html', 'x', qr{de_DE: no language}],
) {
    my ($name, $text, $why) = @$_;
    my $before = DynProxy::slurp("$errors/$name");
    put($name, $text);
    is $proxy->ctl('reload'), 1, "$name is refused: $why";
    like $proxy->err, qr/\Q$errors\E\/$why/, '  and it is told why';
    my ($status, undef, $err) = run_command($proxy->{program}, '-t', '-c', $proxy->conf_path);
    is $status, 1, '  -t refuses it';
    like $err, qr/$why/, '  with the same words';
    is body('nobody', 'text/html', 'de'), "de: 404\n", '  the pages are as before';
    $before ne '' ? put($name, $before) : unlink "$errors/$name";
    rmdir "$errors/de_DE";
}
put('any.html', '{{nothing}}');
my $broken = eval { DynProxy->new(conf => { error_directory => qq("$errors") }) };
ok !defined $broken, 'nor does it start so';
like $@, qr{any\.html:1: unknown variable}, 'and tells why';

# --- replaced, and gone
put('any.html', "new: {{reason}} {{contact}} {{ask}}\n");
reload('mended');
is body('alpha', 'text/html'), 'new: backend-refused mailto:alpha@example.test '
    . qq( Ask: <a href="mailto:alpha\@example.test">mailto:alpha\@example.test</a>\n), 'a reload brings a new page';
put('503.html', ' {{host}}' x 600);
reload('a page that is too long with its variables');
like body('alpha', 'text/html'), qr/This tool is in trouble.*<\/html>/s, 'is not sent, but ours';
remove_tree($errors);
reload('without the directory');
like body('nobody', 'text/html', 'de'), qr/Nobody has this name/, 'a page is ours again';
done_testing;
