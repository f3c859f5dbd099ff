# Sidekiq: a process of it runs jobs of several queues, later ones and failing ones; the figures of its API are exact.
require "sidekiq"
require "sidekiq/api"
require_relative "workers"

PATIENCE = 40

def expect(truth, what)
  abort "wrong: #{what}" unless truth
  puts "ok: #{what}"
end

def wait_for(what)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE
  until yield
    abort "waited in vain: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
    sleep 0.05
  end
  puts "ok: #{what}"
end

def value(key)
  Sidekiq.redis { |redis| redis.get(key).to_i }
end

Sidekiq.redis { |redis| redis.flushall }
Add.perform_async(0, 0)
Sidekiq::Client.push_bulk("class" => Add, "args" => (1..200).map { |number| [number, 1] })
expect Sidekiq::Queue.new.size == 201, "jobs wait in their queue"

process = Process.spawn("sidekiq", "-r", "./workers.rb", "-c", "3", "-q", "critical,3", "-q", "default", "-t", "2",
                        chdir: __dir__)
at_exit do
  Process.kill("TERM", process)
  25.times { break if Process.wait(process, Process::WNOHANG) || !sleep(0.2) }
  Process.kill("KILL", process)
rescue Errno::ESRCH, Errno::ECHILD
  nil
end

wait_for("all jobs are done") { value("sum") == 200 * 201 / 2 + 200 }
Note.perform_async("first")
wait_for("a job of another queue is done") { Sidekiq.redis { |redis| redis.lrange("notes", 0, -1) } == ["first"] }

started = Time.now
Note.perform_in(1, "later")
cancelled = Note.perform_in(3600, "never")
expect Sidekiq::ScheduledSet.new.size == 2, "later jobs are scheduled"
expect Sidekiq::ScheduledSet.new.find_job(cancelled).delete, "a scheduled job can be deleted"
Unlucky.perform_async("job")
Hopeless.perform_async
wait_for("a later job is done") { Sidekiq.redis { |redis| redis.lrange("notes", 0, -1) } == %w[first later] }
expect Time.now - started >= 1, "and not before it is due"
wait_for("a failed job is tried again") { value("attempts:job") == 2 }
wait_for("one that may not be tried again is dead") { Sidekiq::DeadSet.new.size == 1 }
expect Sidekiq::DeadSet.new.first.item["error_message"] == "no such luck", "the dead job says why"
wait_for("the figures are exact") do
  stats = Sidekiq::Stats.new
  [stats.processed, stats.failed, stats.enqueued, stats.scheduled_size, stats.retry_size] == [206, 2, 0, 0, 0]
end
wait_for("the process is seen") { Sidekiq::ProcessSet.new.map { |found| found["concurrency"] } == [3] }
