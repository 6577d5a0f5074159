# A short run of everything under valgrind: no error, no leak.  `make check`
# with SAN leaves it out: sanitizers and valgrind do not mix.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;

my $reports = File::Temp->newdir;
my $proxy   = DynProxy->new(
    tools    => [qw(alpha beta)],
    program  => "$DynProxy::BUILD/t/dynproxyd-patient",
    patience => 300,    # as it has itself, when all cores are taken
    conf     => { drain_timeout => '2m' },
    wrapper  => [
        'valgrind', '--quiet', '--vgdb=no', '--trace-children=yes', '--leak-check=full', '--show-leak-kinds=definite,indirect',
        '--errors-for-leak-kinds=definite,indirect', '--error-exitcode=9', "--log-file=$reports/%p",
    ],
);
my $backend = $proxy->backend;

is $proxy->register($_, '.*', $backend->url), 'ok', "register $_" for qw(alpha beta);
is $proxy->register('alpha', '/[a-f]+/x', $backend->url), 'ok', 'a regular expression';
is $proxy->unregister('beta', '.*'), 'ok', 'unregister';
like $proxy->register('alpha', '(', $backend->url), qr/^fail/, 'nonsense';
for my $path (qw(/ /abc/x /bytes/300000 /chunked/300000 /close/300000 /cut/100 /nonsense)) {
    ok $proxy->get('alpha', $path)->status, "GET $path";
}
is length $proxy->request('POST', 'alpha', '/echo', body => 'x' x 200_000)->body, 200_000, 'POST';
is $proxy->get('beta', '/')->status, 503, 'a stopped tool';
like $proxy->raw("nonsense\r\n\r\n"), qr{^HTTP/1\.1 400 }, 'no HTTP';
is $proxy->ctl('list'), 0, 'list';
is $proxy->ctl('status'), 0, 'status';
is $proxy->admin('/list')->status, 200, '/list';
$proxy->stop;

my @reports = glob "$reports/*";
cmp_ok scalar(@reports), '>=', 3, 'master, worker and registrar ran under valgrind';
is join('', map { DynProxy::slurp($_) } @reports), '', 'valgrind has nothing to say';
done_testing;
