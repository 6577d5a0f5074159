# bash and zsh complete the commands of dynproxyctl, their options, and what
# there is in the live table (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $proxy = DynProxy->new(tools => [qw(alpha beta)]);
my $backend = $proxy->backend;
is $proxy->register($_, '.*', $backend->url), 'ok', $_ for qw(alpha beta);
is $proxy->ctl('ban', $_), 0, "ban $_" for qw(192.0.2.0/24 198.51.100.1);

$ENV{COMPLETIONS} = "$DynProxy::ROOT/conf/completion";
$ENV{PATH}        = "$DynProxy::BUILD:$ENV{PATH}";
my @begin = ('dynproxyctl', '-c', $proxy->conf_path);
my %completes = (
    bash => sub { run_command('bash', '-c', <<'BASH', 'bash', @_) },
. $COMPLETIONS/dynproxyctl.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_dynproxyctl
printf '%s\n' "${COMPREPLY[@]}"
BASH
    zsh => sub { run_command("$FindBin::Bin/complete.zsh", join ' ', @_) },
);

# what it is about => what it completes to, and the words of the line
my @cases = (
    'a command'            => 'explain'         => ['expl'],
    'another'              => 'undrain'         => ['undr'],
    'an option'            => '--columns'       => ['--c'],
    'its columns'          => 'destination'     => ['--columns', 'des'],
    'what comes then'      => 'list'            => ['--columns', 'tool', 'li'],
    'a time to wait'       => '10s 2m 500ms'    => ['-t', ''],
    'live tools'           => 'alpha beta'      => ['tool', ''],
    'to be watched, too'   => 'beta'            => ['watch', 'b'],
    'one of them'          => 'alpha'           => ['list', 'al'],
    'behind an option'     => 'beta'            => ['sessions', '--tool', 'b'],
    'options of a command' => '--older --tool'  => ['sessions', '--'],
    'a word of its own'    => 'unknown'         => ['top', 'u'],
    'what one is about'    => 'errors'          => ['top', '--by', 'e'],
    'live backends'        => $backend->addr    => ['drain', '127'],
    'what is banned'       => '192.0.2.0/24'    => ['unban', '192'],
    'words'                => 'off on'          => ['maintenance', 'o'],
    'other words'          => 'off on'          => ['standby', ''],
    'another option'       => '--reason'        => ['registration', '--'],
    'conditions'           => 'ready route'     => ['wait', 'r'],
    'whose route'          => 'beta'            => ['wait', 'route', 'b'],
    'fields'               => 'referer'         => ['block', 're'],
    'ends'                 => '--for --until'   => ['ban', '--'],
    'clients'              => '--agent --client' => ['explain', '--'],
    'the short ones'       => '--unknown -n'    => ['scrub', '-'],
    'a last one'           => '--now'           => ['stop', '--'],
    'nothing'              => ''                => ['status', 'x'],
);
while (my ($what, $want, $words) = splice @cases, 0, 3) {
    for my $shell (sort keys %completes) {
        my ($status, $out, $err) = $completes{$shell}->(@begin, @$words);
        is join(' ', sort split ' ', $out), $want, "$shell: $what: @$words" or diag $err;
    }
}
is join(' ', sort split ' ', ($completes{bash}->(@begin, '--columns', 'tool,des'))[1]), 'tool,destination', 'bash: another column';
is join(' ', sort split ' ', ($completes{zsh}->(@begin, '--columns', 'tool,des'))[1]), 'destination', 'zsh: the same';

$proxy->ctl('--help');
my $commands = join ' ', sort $proxy->out =~ /^  ([a-z]+) /mg;
is join(' ', sort split ' ', ($completes{zsh}->(@begin, ''))[1]), $commands, 'zsh: all commands';
is join(' ', sort grep { !/^-/ } split ' ', ($completes{bash}->(@begin, ''))[1]), $commands, 'bash: all commands';
done_testing;
