# `make run`, as it comes: it starts, serves, and leaves nothing behind.
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;    # its ports are fixed
use DynProxy;
use File::Temp;

my $tmp = File::Temp->newdir;
chmod 0777, $tmp;

# As far as the demo needs it, the tree: where it is, others may not look.
my $tree = File::Temp->newdir;
chmod 0755, $tree;
mkdir "$tree/$_" for qw(conf build);
run_command('cp', '-r', "$DynProxy::ROOT/demo", "$tree");
run_command('cp', "$DynProxy::ROOT/conf/demo.conf", "$tree/conf");
run_command('cp', (map { "$DynProxy::BUILD/$_" } qw(dynproxyd dynproxyctl webservice webservice-runner)), "$tree/build");

# Run the demo as that user until it has said where to look, then end it.
sub demo {
    my ($signal, @as) = @_;
    pipe my $out, my $in or die $!;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDOUT, '>&', $in;
        open STDERR, '>&', $in;
        $ENV{TMPDIR} = "$tmp";
        exec @as, "$tree/demo/run", "$tree/build" or POSIX::_exit(127);
    }
    close $in;
    my ($said, $page, @family) = ('', '');
    local $SIG{ALRM} = sub { kill 'TERM', $pid };
    alarm 30;
    while (my $line = <$out>) {
        $said .= $line;
        last if $line =~ /Ctrl-C/;
    }
    alarm 0;
    like $said, qr{^\s+http://hello\.localhost:8080/$}m, 'it says where to look';
    (undef, $page) = run_command('curl', '-s', '--resolve', "hello.localhost:8080:127.0.0.1",
        "http://hello.localhost:8080/");
    like $page, qr/Hello from a tool/, 'and there is the page';
    my ($try) = $said =~ /^\s+(\S*dynproxyctl .*list.*)$/m;
    my ($status, $list) = run_command('sh', '-c', $try // 'false');
    is $status, 0, 'the command that it names works';
    like $list, qr/^hello\b/m, 'and shows the tool';
    @family = ($pid, DynProxy::descendants($pid));
    cmp_ok scalar(@family), '>=', 5, 'there are the processes';
    kill $signal, $pid;
    waitpid $pid, 0;
    is $? >> 8, 0, "SIG$signal ends it well";
    ok eventually(sub { !grep { kill 0, $_ } @family }, 5), 'no process is left';
    is_deeply [glob "$tmp/*"], [], 'and no file';
    unlike $said . join('', <$out>), qr/Sanitizer|runtime error/, 'nor a sanitizer report';
}

subtest 'as root, until Ctrl-C'         => sub { demo('INT') };
subtest 'as an ordinary user, until TERM' => sub {
    demo('TERM', qw(setpriv --reuid=65534 --regid=65534 --clear-groups --));
};
done_testing;
