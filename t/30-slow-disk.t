# A disk that takes longer than a client may wait: who asks is told so, what
# was given up does not come about, and the registrar lives
# (1-registration.md 1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $proxy   = DynProxy->new(tools => ['alpha']);
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

my ($registrar) = $proxy->pids('registrar');
my $strace = fork // die "fork: $!";
if (!$strace) {
    open STDERR, '>', '/dev/null' or die $!;
    exec qw(strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:delay_enter=3000000 -p), $registrar
        or POSIX::_exit(127);
}
# that of the thread that writes to it
ok eventually(sub { !grep { DynProxy::slurp($_) !~ /^TracerPid:\s+$strace$/m } glob "/proc/$registrar/task/*/status" }), 'its disk is slow';
for my $try (1 .. 2) {
    like $proxy->register('alpha', '/x', $backend->url), qr/^fail: the stores take too long/, "a route is given up ($try)";
    like $proxy->unregister('alpha', '/x'), qr/^(?:ok|fail: the stores take too long)/, 'the next change of the name has its turn';
}
kill 'INT', $strace;
waitpid $strace, 0;

ok eventually(sub { $proxy->unregister('alpha', '/x') eq 'ok' }), 'the disk is quick again';
is +($proxy->pids('registrar'))[0], $registrar, 'the registrar has lived through it';
unlike $proxy->admin('/list')->body, qr{/x}, 'what was given up is not there';
is $proxy->get('alpha', '/x')->status, 200, 'the tool is served';
done_testing;
