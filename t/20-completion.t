# bash completes what each program has, and every tool says what it has by
# --help.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

sub completes {
    my ($want, @words) = @_;
    my ($status, $out, $err) = run_command('bash', '-c', <<'BASH', 'bash', "$DynProxy::ROOT/conf/completion/dynproxy.bash", @words);
source "$1"; shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_dynproxy
printf '%s\n' "${COMPREPLY[@]}"
BASH
    is join(' ', sort split ' ', $out), $want, join(' ', map { s{.*/}{}r } @words) . ' ...' or diag $err;
}
sub program { return "$DynProxy::BUILD/$_[0]" }

completes('start status stop',              program('webservice'), 'nodejs', 'st');
completes('--release --replicas',           program('webservice'), '--re');
completes('gridengine kubernetes local',    program('webservice'), '--backend', '');
completes('uwsgi-plain uwsgi-python',       program('webservice'), 'u');
completes('uwsgi-plain uwsgi-python',       program('webservice-runner'), '--type', 'u');
completes('--port --proxy',                 program('webservice-runner'), '--p');
completes('--homes',                        program('webservicemonitor'), '--h');
completes('--keystone --keystone-ca --keystone-token', program('dynproxy-domains'), '--k');
completes('demo/hello',                     program('kube2proxy'), '--kubeconfig', 'demo/h');
completes('',                               program('kube2proxy'), '--selector', '');
completes('--password --redis',             program('dynproxy-import'), '');

# make install puts the file where bash looks for each of them
my ($tools) = DynProxy::slurp("$DynProxy::ROOT/GNUmakefile") =~ /^TOOLS = (.*)/m;
my @tools = split ' ', $tools;
my (undef, $known) = run_command('bash', '-c', 'source "$1"; complete -p', 'bash', "$DynProxy::ROOT/conf/completion/dynproxy.bash");
is join(' ', sort $known =~ /_dynproxy (\S+)$/mg), join(' ', sort grep { !/^(?:dynproxyctl|portreleaser)$/ } @tools),
    'each of them is completed';

for my $program (@tools) {
    my ($status, $out, $err) = run_command(program($program), '--help');
    is "$status$err", '0', "$program --help";
    like $out, qr/^usage: $program\b/, 'says how it is used';
}
done_testing;
