# The programs are built as 7-security.md 7.6 wants them, and each process of a
# running dynproxyd has the rights that its row there gives it, and no more.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
no warnings 'portable';    # capabilities are 64 bits

# --- what the programs say of themselves
for my $program (qw(dynproxyd dynproxyctl webservice-runner)) {
    my ($status, $elf) = run_command('readelf', '--wide', '--headers', '--dynamic', '--notes', "$DynProxy::BUILD/$program");
    is $status, 0, "$program: readelf";
    like $elf, qr/Type:\s+DYN .*Position-Independent Executable/, 'is loaded anywhere';
    like $elf, qr/GNU_STACK .* RW /,  'has no code on its stack';
    like $elf, qr/GNU_RELRO/,         'writes its relocations once';
    like $elf, qr/FLAGS.*BIND_NOW/,   'all of them before it begins';
    like +(run_command(qw(objdump --disassemble=main), "$DynProxy::BUILD/$program"))[1], qr/<main>:\n.*endbr64/,
        'marks where a jump may lead' if $elf =~ /X86-64/;
    unlike $elf, qr/LOAD .* RWE /,    'has nothing that is written and run';
    my $symbols = (run_command('nm', '-D', "$DynProxy::BUILD/$program"))[1];
    like $symbols, qr/__stack_chk_fail/, 'guards its stack';
    like $symbols, qr/__\w+_chk@/, 'and its buffers' if $DynProxy::BUILD =~ m{/(?:plain|development)$};
}

# --- what its processes may
if ($DynProxy::BUILD !~ m{/(?:plain|development)$}) {    # sanitizers run without a sandbox
    done_testing;
    exit;
}
my $dir = File::Temp->newdir;
chown $DynProxy::USER{logger}, -1, $dir;
my $proxy = DynProxy->new(conf => { access_log => qq("$dir/access.log"),
    default_backend => DynProxy::list('http://localhost:1') });
like $proxy->log, qr/master\]: contained complete=yes/, 'all of it can be had here';

# CAP_CHOWN, DAC_OVERRIDE, KILL, SETGID, SETUID, NET_BIND_SERVICE, SYS_CHROOT,
# SYS_RESOURCE, as far as this machine has them
my $kept = 0;
$kept |= 1 << $_ for 0, 1, 5, 6, 7, 10, 18, 24;
my ($here) = map { hex } DynProxy::slurp('/proc/self/status') =~ /^CapPrm:\s+(\w+)/m;

sub status_of {
    my ($pid) = @_;
    return { map { /^(\w+):\s*(.*?)\s*$/ ? ($1, $2) : () } split /\n/, DynProxy::slurp("/proc/$pid/status") };
}

sub limit_of {
    my ($pid, $name) = @_;
    return (DynProxy::slurp("/proc/$pid/limits") =~ /^Max \Q$name\E\s+(\S+)/m)[0];
}

my %pids = (master => $proxy->{pid}, map { $_ => ($proxy->pids($_))[0] } qw(worker registrar logger lookup));
my %root = (master => '/', lookup => '/', registrar => "$proxy->{dir}/state", logger => "$dir", worker => undef);
for my $role (sort keys %pids) {
    my $pid    = $pids{$role};
    my $status = status_of($pid);
    is $status->{NoNewPrivs}, 1, "$role: wins nothing by execve";
    is $status->{Seccomp},    2, 'filters its system calls';
    is limit_of($pid, 'core file size'), 0, 'leaves no core';
    is((stat "/proc/$pid/environ")[4], 0, 'cannot be looked into by its user');
    my $uid = $DynProxy::USER{$role} // 0;
    is $status->{$_}, join("\t", ($uid) x 4), "$_ $uid" for qw(Uid Gid);
    is $status->{Groups}, '', 'no groups' if $uid;
    my @caps = map { hex $status->{$_} } qw(CapPrm CapEff CapInh CapAmb);
    is_deeply \@caps, $uid ? [0, 0, 0, 0] : [$here & $kept, $here & $kept, 0, 0], 'its capabilities';
    is hex $status->{CapBnd}, $here & $kept, 'none that could come back';
    my $root = readlink "/proc/$pid/root";
    defined $root{$role} ? is $root, $root{$role}, 'its root' : like $root, qr{^/tmp/dynproxy\.\w+ \(deleted\)$}, 'a root without a name';
    my $environ = DynProxy::slurp("/proc/$pid/environ");
    unlike $environ, qr/PATH=|HOME=/, 'no environment of ours' if $uid;
}
is limit_of($pids{worker}, 'processes'), 0, 'a worker starts nobody';
is limit_of($pids{logger}, 'processes'), 0, 'nor does the logger';
cmp_ok limit_of($pids{worker}, 'open files'), '<=', 65536, 'descriptors of a worker';
cmp_ok limit_of($pids{registrar}, 'open files'), '<=', 8192, 'of the registrar';

# --- what of the table a worker could write
my @maps = grep { /dynproxy-(?:table|policy)/ } split /^/, DynProxy::slurp("/proc/$pids{worker}/maps");
cmp_ok scalar(@maps), '>=', 2, 'a worker has routes and policy before it';
is join('', grep { !/^\S+ r--s / } @maps), '', 'to be read';
my @fds = grep { (readlink // '') =~ /dynproxy-(?:table|policy)/ } glob "/proc/$pids{worker}/fd/*";
my @open = map { my ($n) = m{(\d+)$}; DynProxy::slurp("/proc/$pids{worker}/fdinfo/$n") =~ /^flags:\s+(\d+)/m } @fds;
is join(' ', grep { oct($_) & 3 } @open), '', 'by descriptors that cannot write';

# --- a library writes executable memory nowhere
for my $role (sort keys %pids) {
    my @both = grep { /^\S+ .wx/ } split /^/, DynProxy::slurp("/proc/$pids{$role}/maps");
    is "@both", '', "$role: no memory is written and run";
}
done_testing;
